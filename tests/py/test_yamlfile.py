"""YAML as JSON with lines: what is read, and what is refused."""

import pytest

from controlplane import yamlfile


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [(b"- name: x\n  b: \xff", 2, "the text is not UTF-8"), (b"- a\n- \x00", 2, "U+0000 is not allowed"),
     (b"x" * (yamlfile.MAX_BYTES + 1), 1, "larger than 4 MiB")],
)  # fmt: skip
def test_bytes_that_are_no_text(content: bytes, line: int, message: str) -> None:
    (problem,) = yamlfile.parse(content, "x").problems
    assert problem.line == line
    assert message in problem.message


def test_aliases_that_multiply_are_stopped() -> None:
    levels = "\n".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))
    problems = yamlfile.parse(f"- &a0 x\n{levels}".encode(), "x").problems
    assert ["aliases expand" in problem.message for problem in problems] == [True]


def test_what_yaml_means() -> None:
    text = b'\xef\xbb\xbfa: yes\nb: 2026-01-01\nc: 010\nd: 1:30\ne: ~\nf: 1e3\ng: "\\ud83d\\ude00"\n'
    assert yamlfile.parse(text, "x").value == {
        "a": "yes", "b": "2026-01-01", "c": 10, "d": "1:30", "e": None, "f": 1000.0, "g": "\U0001f600",
    }  # fmt: skip


def test_lines_of_paths() -> None:
    document = yamlfile.parse(b"rules:\n  - name: x\n    config:\n      per_channel: {a.b: 1}\n", "x")
    paths = (
        "$",
        "$.rules[0].name",
        "$.rules[0].config.per_channel.a.b",
        "$.rules[0].config.first",
        "$.x[7].y",
    )
    assert [document.line(path) for path in paths] == [1, 2, 4, 3, 1]


def test_half_a_surrogate_pair() -> None:
    (problem,) = yamlfile.parse(b'\n- "\\ud83d"', "x").problems
    assert (problem.line, problem.message) == (2, "the text holds half a surrogate pair")
