-- fold_label(): labels are compared in NFC, trimmed, with single blanks, ASCII letters small.
BEGIN;
SELECT plan(6);
SELECT is(attribution.fold_label('  Google   Ads '), 'google ads', 'blanks and case do not matter');
SELECT is(attribution.fold_label(E'google\t\nads'), 'google ads', 'nor does the kind of blank');
SELECT is(attribution.fold_label(U&'Cafe\0301'), attribution.fold_label(U&'caf\00E9'), 'a composed and a decomposed letter are one');
SELECT is(attribution.fold_label(U&'\0130STANBUL'), U&'\0130stanbul', 'only ASCII letters change, on every server alike');
SELECT isnt(attribution.fold_label('google'), attribution.fold_label('google_ads'), 'nothing is guessed');
SELECT is(attribution.fold_label(NULL), NULL, 'null stays null');
SELECT * FROM finish();
ROLLBACK;
