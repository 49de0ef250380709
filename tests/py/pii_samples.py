"""Payloads of which find_pii() must say what they hold, and payloads that it must let pass.

A false alarm costs a fact, a miss costs a person: both lists grow with every case met in the field.
"""

from typing import Any

FOUND: dict[str, list[Any]] = {
    "e-mail address": [
        {"note": "ask ann@example.com"},
        {"a": {"b": [{"c": "ann.lee+x@mail.example.co.uk"}]}},
        {"ann@example.com": 1},
        {"url": "https://example.com/?e=ann@example.com"},
        {"url": "mailto:ann@example.com"},
        {"to": "Ann Lee <ANN@EXAMPLE.COM>"},
        {"n": "jörg@example.de"},
        {"list": "a,b;ann@example.com;c"},
    ],
    "phone number": [
        {"note": "+1 415 555 2671"},
        {"note": "+4915112345678"},
        {"note": "call (415) 555-2671 now"},
        {"note": "415-555-2671"},
        {"note": "415.555.2671"},
        {"url": "tel:+14155552671"},
        {"list": ["x", "+44 20 7946 0958"]},
    ],
    "IP address": [
        {"note": "192.168.10.20"},
        {"note": "from 8.8.8.8:443"},
        {"note": "2001:db8:85a3:0:0:8a2e:370:7334"},
        {"note": "fe80::1ff:fe23:4567:890a"},
        {"url": "http://10.1.2.3/path"},
    ],
    "card number": [
        {"note": "4111 1111 1111 1111"},
        {"note": "4111-1111-1111-1111"},
        {"n": 4111111111111111},
        {"note": "5555555555554444"},
        {"note": "378282246310005"},
        {"note": "paid with 6011111111111117."},
    ],
    'key "email"': [{"email": "hidden"}, {"a": [{"email": None}]}],
    'key "customerEmail"': [{"customerEmail": "x"}],
    'key "phone_number"': [{"phone_number": 5}],
    'key "first_name"': [{"first_name": "Ann"}],
    'key "lastName"': [{"lastName": "Lee"}],
    'key "billing_address"': [{"billing_address": {"x": 1}}],
    'key "address_line_1"': [{"address_line_1": "x"}],
    'key "postal-code"': [{"postal-code": "94107"}],
    'key "ip"': [{"ip": "x"}],
    'key "client_ip"': [{"client_ip": 0}],
    'key "card_number"': [{"card_number": "x"}],
    'key "date_of_birth"': [{"date_of_birth": "x"}],
    'key "ssn"': [{"ssn": 1}],
    'key "passport_number"': [{"passport_number": "x"}],
    'key "name"': [
        {"name": "Ann Lee"},
        {"customer": {"name": "Ann Lee"}},
        {"order": {"customer": {"name": "Ann Lee"}}},
    ],
}

PASSES: list[Any] = [
    {},
    {
        "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/119.0.0.0 Safari/537.36"
    },
    {
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1"
    },
    {
        "user_agent": "Mozilla/5.0 (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/112.0.5615.136 Mobile Safari/537.36"
    },
    {"user_agent": "Opera/9.80 (X11; Linux i686; Ubuntu/14.10) Presto/2.12.388 Version/12.16.0.1"},
    {"version": "1.2.3.4"},
    {"version": "v10.20.30.40-beta"},
    {"sdk": "analytics-js/4.10.0.1"},
    {"id": "550e8400-e29b-41d4-a716-446655440000"},
    {"ids": ["01890a5d-ac96-774b-bcce-b302099a8057", "f47ac10b58cc4372a5670e02b2c3d479"]},
    {"t": "2026-03-01T12:34:56.789012+00:00"},
    {"t": "2026-03-01 12:34:56+02"},
    {"t": "12:34:56"},
    {"epoch": 1767225600, "ms": 1767225600123, "micros": 1767225600123456},
    {"order": 1234567890, "order_no": "100-2000-30000", "sku": "9780306406157"},
    {"amount": 1234.56, "tiny": 1.5e-7, "big": 123456789012345678901234567890},
    {"fbclid": "IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk"},
    {"gclid": "Cj0KCQjwoebsBRCHARIsAC3JP0LKtTtQy3zM5vDXvNBzLLhzYV4lV8eJbCbEnKQ5"},
    {"ad_id": "23849230948230948", "campaign_id": "120330000000000000", "adset": 6123456789012},
    {"fbp": "fb.1.1596403881668.1116446470", "ga": "GA1.2.1234567890.1596403881"},
    {"img": "https://cdn.example.com/logo@2x.png"},
    {"img": "hero@3x.jpg"},
    {"twitter": "@example", "mention": "thanks @example and @other"},
    {"npm": "https://cdn.example.com/npm/vue@3.4.21/dist/vue.js"},
    {
        "campaign": {"name": "Spring sale"},
        "product": {"name": "Shoes"},
        "campaign_name": "x",
        "event_name": "y",
    },
    {"screen": "1920x1080", "viewport": "390x844", "size": "10.5 x 20.25"},
    {"coupon": "SAVE-20-2026", "zip_file": "a.zip", "shipping": 500, "recipe": 1, "description": "ship"},
    {"mac_model": "MacBookPro18,3", "build": "20G1116", "os": "10.15.7"},
    {"hash": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
    {"color": "#aabbcc", "css": "::before", "code": "std::vector", "promo_code": "X", "country_code": "US"},
    {"iso_week": "2026-W09-1", "date": "2026-03-01", "range": "2026-03-01/2026-03-31"},
    {"utm_source": "google", "utm_medium": "cpc", "utm_content": "ad 415 variant 2"},
    {"filename": "report", "hostname": "shop", "username_hash": "x", "page_name": "home"},
    {"price": "1.299.000", "eu": "1.234.567,89"},
    {"device_ip_hash": "x", "zipped": True, "panel": 1, "telemetry": True},
]
