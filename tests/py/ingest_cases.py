"""Bad events: what is sent, and the error code, message, column and hint that must come of it."""

from typing import Any

from engine import at, purchase, touch

MAX = 9223372036854775807
NUMBER = "raw_payload holds a number beyond 1e40 or below 1e-40"
# The hints.
BASICS = "Every event has an event_type and a session_id."
CHANNEL = "A touch has a channel; or its raw_payload has a click id or a mapped utm_source and utm_medium."
TYPES = "Use a code from attribution.event_types."
CODES = "Use a code from attribution.channel_taxonomy, or map the label in attribution.channel_aliases."
FINITE = (
    "Send a finite time from 1970 on, with its time zone; or leave it out, and the receiving time stands in."
)
CLOCK = "Check the sender's clock and time zone, or raise the tenant's settings.max_future."
WEIGHT = "Send a number from 0 to 1e15."
PARTNER = "Send the partner_id of the partner who made the touch."
SHORT = "Send an id or a label, not a document; free data belongs into raw_payload."
OPAQUE = "Send an opaque id instead; events hold no personal data."
LEAVE_OUT = "Leave it out, or send an opaque id instead; events hold no personal data."
AS_TEXT = "Send such a number as text."
VALUE = "A conversion has a conversion_value_cents (minor units) and a currency (ISO 4217)."
POSITIVE = "Send minor units, 0 or more; a refund is an event of type refund with a positive value."
ISO = "Send an ISO 4217 code in capitals, such as USD; see attribution.currencies."
IDS = (
    "idempotency_key, external_event_id, correlation_id, channel, campaign_id, partner_id, partner_role"
    " or transaction_id"
)
IMPOSSIBLE = "occurred_at {} is not a time at which an event can have happened"


class RawJson(dict[str, Any]):
    """JSON that Python's numbers can't say: `engine.send` hands the text over as it is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


# Column changes to a good event of one kind, and what must come of them: code, message, column, hint.
TOUCH_ERRORS = {
    "no type": ({"event_type": None}, "MISSING_FIELD", "event_type is missing", "event_type", BASICS),
    "no session": ({"session_id": None}, "MISSING_FIELD", "session_id is missing", "session_id", BASICS),
    "no channel": ({"channel": None}, "MISSING_FIELD", "channel is missing", "channel", CHANNEL),
    "empty channel": ({"channel": ""}, "MISSING_FIELD", "channel is missing", "channel", CHANNEL),
    "unknown type": (
        {"event_type": "clack"},
        "UNKNOWN_EVENT_TYPE",
        "event type 'clack' is not known",
        "event_type",
        TYPES,
    ),
    "empty type": (
        {"event_type": ""},
        "UNKNOWN_EVENT_TYPE",
        "event type '' is not known",
        "event_type",
        TYPES,
    ),
    "unknown channel": (
        {"channel": "googel"},
        "UNKNOWN_CHANNEL",
        "channel 'googel' is not known",
        "channel",
        CODES,
    ),
    "reserved channel": (
        {"channel": "unattributed"},
        "UNKNOWN_CHANNEL",
        "channel 'unattributed' is not known",
        "channel",
        CODES,
    ),
    "infinite time": (
        {"occurred_at": "infinity"},
        "INVALID_TIMESTAMP",
        IMPOSSIBLE.format("infinity"),
        "occurred_at",
        FINITE,
    ),
    "time before time": (
        {"occurred_at": "-infinity"},
        "INVALID_TIMESTAMP",
        IMPOSSIBLE.format("-infinity"),
        "occurred_at",
        FINITE,
    ),
    "year 1": (
        {"occurred_at": "0001-01-01 00:00:00+00"},
        "INVALID_TIMESTAMP",
        IMPOSSIBLE.format("0001-01-01 00:00:00"),
        "occurred_at",
        FINITE,
    ),
    "before Christ": (
        {"occurred_at": "4713-01-01 00:00:00+00 BC"},
        "INVALID_TIMESTAMP",
        IMPOSSIBLE.format("4713-01-01 00:00:00 BC"),
        "occurred_at",
        FINITE,
    ),
    "year 9999": (
        {"occurred_at": "9999-12-31 23:59:59+00"},
        "INVALID_TIMESTAMP",
        "occurred_at 9999-12-31 23:59:59 UTC lies too far in the future",
        "occurred_at",
        CLOCK,
    ),
    "end of time": (
        {"occurred_at": "294276-12-31 23:59:59+00"},
        "INVALID_TIMESTAMP",
        "occurred_at 294276-12-31 23:59:59 UTC lies too far in the future",
        "occurred_at",
        CLOCK,
    ),
    "NaN weight": ({"weight": float("nan")}, "INVALID_VALUE", "weight NaN is not a weight", "weight", WEIGHT),
    "infinite weight": (
        {"weight": float("inf")},
        "INVALID_VALUE",
        "weight Infinity is not a weight",
        "weight",
        WEIGHT,
    ),
    "negative weight": ({"weight": -0.5}, "INVALID_VALUE", "weight -0.5 is not a weight", "weight", WEIGHT),
    "no partner": (
        {"event_type": "partner_touch", "channel": "partner"},
        "INVALID_PARTNER",
        "a partner_touch names no partner",
        "partner_id",
        PARTNER,
    ),
    "role without partner": (
        {"partner_role": "referrer"},
        "INVALID_PARTNER",
        "partner_role is given without a partner",
        "partner_id",
        PARTNER,
    ),
    "long text": (
        {"campaign_id": "é" * 257},
        "INVALID_VALUE",
        "campaign_id is longer than 512 bytes",
        "campaign_id",
        SHORT,
    ),
    "long key": (
        {"idempotency_key": "k" * 10_000},
        "INVALID_VALUE",
        "idempotency_key is longer than 512 bytes",
        "idempotency_key",
        SHORT,
    ),
    "long channel": (
        {"channel": "c" * 1_000_000},
        "INVALID_VALUE",
        "channel is longer than 512 bytes",
        "channel",
        SHORT,
    ),
    "huge number": (
        {"raw_payload": RawJson('{"n": [1e131071]}')},
        "INVALID_VALUE",
        NUMBER,
        "raw_payload",
        AS_TEXT,
    ),
    "tiny number": (
        {"raw_payload": RawJson('{"n": -1e-16000}')},
        "INVALID_VALUE",
        NUMBER,
        "raw_payload",
        AS_TEXT,
    ),
    "a list": (
        {"raw_payload": [1, 2]},
        "INVALID_VALUE",
        "raw_payload is not an object but a array",
        "raw_payload",
        "Send a JSON object, or nothing.",
    ),
    "e-mail in an id": (
        {"campaign_id": "ann@example.com"},
        "PII_DETECTED",
        "an id or label holds an e-mail address",
        IDS,
        OPAQUE,
    ),
    "e-mail in the payload": (
        {"raw_payload": {"x": "ann@example.com"}},
        "PII_DETECTED",
        "raw_payload holds personal data: e-mail address",
        "raw_payload",
        LEAVE_OUT,
    ),
}
PURCHASE_ERRORS = {
    "no value": (
        {"conversion_value_cents": None},
        "MISSING_FIELD",
        "conversion_value_cents is missing",
        "conversion_value_cents",
        VALUE,
    ),
    "no currency": ({"currency": ""}, "MISSING_FIELD", "currency is missing", "currency", VALUE),
    "refund of nothing": (
        {"event_type": "refund", "transaction_id": None},
        "MISSING_FIELD",
        "transaction_id is missing",
        "transaction_id",
        "A refund names the transaction_id of the sale that it is about.",
    ),
    "negative value": (
        {"conversion_value_cents": -1},
        "INVALID_VALUE",
        "conversion_value_cents -1 is not a value of a conversion",
        "conversion_value_cents",
        POSITIVE,
    ),
    "lowest value": (
        {"conversion_value_cents": -MAX - 1},
        "INVALID_VALUE",
        f"conversion_value_cents {-MAX - 1} is not a value of a conversion",
        "conversion_value_cents",
        POSITIVE,
    ),
    "refund of 0": (
        {"event_type": "refund", "conversion_value_cents": 0},
        "INVALID_VALUE",
        "conversion_value_cents 0 is not a value of a refund",
        "conversion_value_cents",
        POSITIVE,
    ),
    "unknown currency": (
        {"currency": "XYZ"},
        "INVALID_CURRENCY",
        "currency 'XYZ' is not known",
        "currency",
        ISO,
    ),
    "small letters": (
        {"currency": "usd"},
        "INVALID_CURRENCY",
        "currency 'usd' is not known",
        "currency",
        ISO,
    ),
}
# Each: its name, the event, error code, message, column, hint.
CASES = [
    (name, event | changes, *due)
    for event, errors in ((touch(1, at()), TOUCH_ERRORS), (purchase(1, at(), 500), PURCHASE_ERRORS))
    for name, (changes, *due) in errors.items()
]
