import pytest

from knowledge.encode.words import fold, stem, words


def stems(text: str) -> list[str]:
    return [word.stem for word in words(text)]


def test_inflections_share_a_stem() -> None:
    assert {stem(w) for w in ("return", "Returns", "returned", "RETURNING")} == {"return"}


def test_spans_point_into_the_text() -> None:
    text = "Contact billing, to start a return."
    assert [text[w.start : w.end] for w in words(text)] == ["Contact", "billing", "start", "return"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ERR_1234", ["ERR_1234", "ERR", "1234"]),
        ("the XR-500", ["XR-500", "XR", "500"]),
        ("maxTokensURL2", ["maxTokensURL2", "max", "Tokens", "URL"]),
        ("isEnabled", ["isEnabled", "Enabled"]),
        ("TokenStreamFactory", ["TokenStreamFactory", "Token", "Stream", "Factory"]),
        ("JavaScript and GitHub", ["JavaScript", "GitHub"]),
        ("aGVsbG8" * 10, ["aGVsbG8" * 10]),
        ("C++ and C#", ["C", "C++", "C", "C#"]),
        ("well-known", ["well", "known"]),
        ("don't", ["don"]),
    ],
)
def test_joined_names_count_whole_and_by_parts(text: str, expected: list[str]) -> None:
    found = [text[w.start : w.end] for w in words(text)]
    assert sorted(found) == sorted(expected)


def test_a_name_is_the_same_with_and_without_joints() -> None:
    for one, other in (("XR-500", "xr500"), ("COVID-19", "Covid19"), ("max_tokens", "maxTokens")):
        assert set(stems(one)) & set(stems(other))
    assert "v1.2.3" in stems("v1.2.3")


def test_accents_and_case_are_folded() -> None:
    assert fold("Café") == "cafe"
    assert stems("Cafés") == stems("cafes")


def test_stop_words_are_no_terms() -> None:
    assert words("to be or not, that is the") == []


def test_scripts_without_spaces_are_cut_into_characters() -> None:
    assert stems("退款") == ["退", "款"]


def test_no_text_no_words() -> None:
    assert words("") == []
    assert words(" \n\t…") == []
