"""The channel taxonomy and its aliases from a file, and why a label or a URL means what it means.

A file has `channels`, by code, and `aliases`: label, utm and click_id, each from what vendors send to a code.
An alias names a code and never another alias, so that there are no loops.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from psycopg.types.json import Jsonb

from controlplane.calls import Connection, Row, call
from controlplane.yamlfile import Document

KINDS = ("label", "utm", "click_id")
CHANNEL_KEYS = {"family": str, "name": str, "is_paid": bool, "is_active": bool}
CODE = re.compile(r"[a-z][a-z0-9_]{0,62}")
RESERVED = "unattributed"
MAX_ALIAS_BYTES = 512


def validate(connection: Connection, document: Document, tenant: UUID | None = None) -> None:
    """Add every mistake of a file to the document; `tenant` as for apply()."""
    value = document.value
    if not isinstance(value, dict):
        if not document.problems:
            document.complain("$", "not a channel file", "it has channels: and aliases:")
        return
    for key in value.keys() - {"channels", "aliases"}:
        document.complain(f"$.{key}", f"unknown key {key}", "a file has channels: and aliases:")
    if tenant and value.get("channels"):
        document.complain(
            "$.channels",
            "channels are everyone's",
            "apply them without --tenant; aliases may be a tenant's own",
        )
    _check_channels(document, _mapping(document, "$.channels", value.get("channels")))
    kinds = _mapping(document, "$.aliases", value.get("aliases"))
    for kind in kinds.keys() - set(KINDS):
        document.complain(f"$.aliases.{kind}", f"unknown kind of alias {kind}", f"use {', '.join(KINDS)}")
    for kind in KINDS:
        _mapping(document, f"$.aliases.{kind}", kinds.get(kind))
    _check_aliases(connection, document, tenant)


def apply(
    connection: Connection, document: Document, tenant: UUID | None = None, *, dry_run: bool = False
) -> list[Row]:
    """Make taxonomy and aliases what a valid file says, all or none; everyone's, or a tenant's own.

    Returns kind, value, channel and change (created, updated, unchanged, removed, absent) of each entry.
    A dry run does the same and takes it back.
    """
    done: list[Row] = []
    with connection.transaction(force_rollback=dry_run):
        for code, channel in (document.value.get("channels") or {}).items():
            values = [
                code,
                channel["family"],
                channel["is_paid"],
                channel["name"],
                channel.get("is_active", True),
            ]
            done.append(
                {
                    "kind": "channel",
                    "value": code,
                    "channel": code,
                    **call(connection, "apply_channel", values)[0],
                }
            )
        for kind, sent, code in aliases(document):
            values = [tenant, kind, sent, code]
            done.append(
                {"kind": kind, "value": sent, "channel": code, **call(connection, "map_channel", values)[0]}
            )
    return done


def aliases(document: Document) -> Iterator[tuple[str, str, Any]]:
    """Each alias of a file: kind, what is sent, code (None: the alias is to be removed)."""
    kinds = document.value.get("aliases")
    for kind, entries in (kinds if isinstance(kinds, dict) else {}).items():
        for sent, code in (entries if isinstance(entries, dict) and kind in KINDS else {}).items():
            yield kind, sent, code


def listed(connection: Connection, tenant: UUID | None = None) -> Row:
    """The taxonomy, and the aliases that hold for everyone and for a tenant."""
    return {
        "channels": call(connection, "channels"),
        "aliases": call(connection, "channel_aliases", [tenant], tenant=tenant),
    }


def match(connection: Connection, text: str, tenant: UUID | None = None) -> Row:
    """What a label, or a URL's click ids and utm pair, mean: text, sent, code (None: nothing) and why."""
    payload = parameters(text)
    label = None if payload is not None else text
    found = call(connection, "match_channel", [tenant, label, Jsonb(payload or {})], tenant=tenant)
    sent: Row = {"label": label} if payload is None else payload
    if not found:
        return {"text": text, "sent": sent, "code": None, "match_kind": None, "match_value": None,
                "is_own": None, "why": _why_not(payload)}  # fmt: skip
    return {"text": text, "sent": sent, **found[0], "why": _why(found[0])}


def parameters(text: str) -> dict[str, str] | None:
    """A URL's query parameters; None when the text is a label. An empty parameter is none."""
    if "://" not in text and not text.startswith("?"):
        return None
    try:
        return dict(parse_qsl(urlsplit(text).query))
    except ValueError:  # such as http://[
        return {}


def _why(found: Row) -> str:
    if found["match_kind"] == "code":
        return "the label is a channel code"
    names = {"label": "label", "utm": "utm_source/utm_medium", "click_id": "click id"}
    owner = "the tenant's own" if found["is_own"] else "everyone's"
    return f"{names[found['match_kind']]} {found['match_value']}: {owner} alias"


def _why_not(payload: dict[str, str] | None) -> str:
    if payload is None:
        return "neither a channel code nor an alias of one; retired codes do not count"
    if not payload.keys() & {"utm_source", "utm_medium"}:
        return "no click id that is an alias, and neither utm_source nor utm_medium"
    source, medium = payload.get("utm_source", ""), payload.get("utm_medium", "")
    return f"no click id that is an alias, and none for utm {source}/{medium}, {source}/* or */{medium}"


def _mapping(document: Document, path: str, value: Any) -> Row:
    if value is None or isinstance(value, dict):
        return value or {}
    document.complain(path, f"{path.rpartition('.')[2]} is not a mapping", "write key: value lines")
    return {}


def _check_channels(document: Document, channels: Row) -> None:
    for code, channel in channels.items():
        path = f"$.channels.{code}"
        if code == RESERVED:
            document.complain(
                path, f"channel code {RESERVED} is reserved", "it stands for what no touch has earned"
            )
        elif not CODE.fullmatch(code):
            document.complain(path, f"{code!r} is not a channel code", "lower snake case, at most 63 letters")
        if not isinstance(channel, dict):
            document.complain(path, "not a channel", "give family, name and is_paid")
            continue
        for key in channel.keys() - CHANNEL_KEYS.keys():
            document.complain(
                f"{path}.{key}", f"unknown key {key}", f"a channel has {', '.join(CHANNEL_KEYS)}"
            )
        for key, kind in CHANNEL_KEYS.items():
            if key not in channel:
                if key != "is_active":
                    document.complain(path, f"{key} is missing")
            elif not isinstance(channel[key], kind) or channel[key] == "":
                document.complain(
                    f"{path}.{key}", f"{key} is not {'true or false' if kind is bool else 'a text'}"
                )


def _check_aliases(connection: Connection, document: Document, tenant: UUID | None) -> None:
    found = list(aliases(document))
    channels = document.value.get("channels")
    own = channels if isinstance(channels, dict) else {}
    codes = {row["code"]: row["is_active"] for row in call(connection, "channels")}
    codes |= {
        code: not (isinstance(row, dict) and row.get("is_active") is False) for code, row in own.items()
    }
    folds = {
        row["sent"]: row["folded"]
        for row in call(connection, "fold_labels", [[sent for _, sent, _ in found]])
    }
    known = {(row["match_kind"], row["match_value"]) for row in listed(connection, tenant)["aliases"]}
    known |= {(kind, folds[sent]) for kind, sent, _ in found}
    seen: dict[tuple[str, str], str] = {}
    for kind, sent, code in found:
        path, folded = f"$.aliases.{kind}.{sent}", folds[sent]
        first = seen.setdefault((kind, folded), path)
        if first != path:
            document.complain(
                path, f"{kind} {sent!r} is in the file twice", f"it reads as on line {document.line(first)}"
            )
        if not 1 <= len(folded.encode()) <= MAX_ALIAS_BYTES:
            document.complain(path, f"an alias has 1 to {MAX_ALIAS_BYTES} bytes")
        if kind == "utm" and (
            folded.count("/") < 1 or folded.startswith("/") or folded.endswith("/") or folded == "*/*"
        ):
            document.complain(
                path, f"{sent!r} is not source/medium", "such as google/cpc, google/* or */email"
            )
        target = code if isinstance(code, str) else ""
        if code is None or (codes.get(target) and target != RESERVED):
            continue
        if target == RESERVED:
            document.complain(
                path, f"channel code {RESERVED} is reserved", "nothing that is sent may mean it"
            )
        elif target in codes:
            document.complain(path, f"channel {target} is retired", "name an active one")
        elif ("label", target) in known:
            document.complain(
                path, f"{target} is an alias itself", "name the code that it means: aliases lead to codes"
            )
        else:
            document.complain(path, f"there is no channel {code!r}", "ctl channels list shows the codes")
