"""Dates as people, spreadsheets and programs write them, compared in China."""

from __future__ import annotations

import pytest

from dataset_builder.stages import dates


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ("2023年3月5日", "2023-03-05"),
        ("2022年10月", "2022-10"),
        ("2023年", "2023"),
        ("二〇二三年十二月二十一日", "2023-12-21"),
        ("2023/1/5", "2023-01-05"),
        ("2023.01.05", "2023-01-05"),
        (" ２０２３-01-05 ", "2023-01-05"),
        ("20230105", "2023-01-05"),
        ("20230105.0", "2023-01-05"),
        ("202301", "2023-01"),
        ("44931", "2023-01-05"),  # as Excel counts days
        ("2023-W01-4", "2023-01-05"),
        ("Jan 5, 2023", "2023-01-05"),
        ("5 January 2023", "2023-01-05"),
        ("2023-03-05（周日）", "2023-03-05"),
        ("2023-01-05 00:00:00", "2023-01-05"),  # a day, as pandas writes it
        ("2023-01-05T00:00:00Z", "2023-01-05T08:00:00+08:00"),
        ("2023-01-05T23:30:00Z", "2023-01-06T07:30:00+08:00"),
        ("2023-01-05 12:30:11.123456789", "2023-01-05T12:30:11.123456+08:00"),
        ("20230105T120000", "2023-01-05T12:00:00+08:00"),
        ("1672900000", "2023-01-05T14:26:40+08:00"),
        ("1672900000000", "2023-01-05T14:26:40+08:00"),
        ("1672900000000000000", "2023-01-05T14:26:40+08:00"),
        ("1672900000.5", "2023-01-05T14:26:40+08:00"),
        ("Thu Jan 05 12:00:00 +0800 2023", "2023-01-05T12:00:00+08:00"),
        ("Thu, 05 Jan 2023 04:00:00 GMT", "2023-01-05T12:00:00+08:00"),
        ("2023年3月5日 星期日 下午3:20", "2023-03-05T15:20:00+08:00"),
        ("发布于 2023-01-05 10:00", "2023-01-05T10:00:00+08:00"),
    ],
)
def test_every_form_is_read_as_it_is_meant(given: str, form: str) -> None:
    assert dates.read(given).form == form
    assert dates.read(form).form == form


@pytest.mark.parametrize(
    "given",
    ["昨天", "3天前", "2023-02-30", "０２３-01-05", "1/5/2023", "2023-01-05 25:00", "13800138000",
     "2O23-01-05", "9999999999", "2023-01-05 ~ 2023-02-01", "2023" * 9999],
)  # fmt: skip
def test_what_is_no_date_or_could_be_two_is_refused(given: str) -> None:
    with pytest.raises(
        ValueError, match=r"not a date|not a year|day is out|hour must|unexpected|no day"
    ):
        dates.read(given)


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        ("2023-01-05", "2023-01-12", 7),
        ("2023-01", "2023-02-08", 8),  # from 31 January
        ("2023", "2023-06-01", 0),
        ("2022-12-31T15:59:59Z", "2023-01-01", 1),  # a second before midnight in China
        ("2022-12-31T16:00:00Z", "2023-01-01", 0),
    ],
)
def test_days_between_are_the_least_that_both_allow(first: str, second: str, days: int) -> None:
    assert dates.read(first).days_from(dates.read(second)) == days
    assert dates.read(second).days_from(dates.read(first)) == days


def test_the_first_of_two_dates_is_the_earlier_instant_whatever_the_zone() -> None:
    found = dates.first("2023-04-30T20:00:00Z", None, "2023-05-01T00:30:00+08:00")
    assert found is not None
    assert found.form == "2023-05-01T00:30:00+08:00"
    assert dates.first(None, "昨天") is None


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://a.example/2023/05/01/x", "2023-05-01"),
        ("https://a.example/2021/p-20230501.html", "2023-05-01"),
        ("https://a.example/2021/x", "2021"),
        ("https://a.example/202305/x", "2023-05"),
        ("https://a.example/p/202305", None),  # as likely a number
        ("https://a.example/p/2023123456", None),
        ("https://a.example/2023/13/01", "2023"),
    ],
)
def test_an_address_may_carry_a_date(url: str, form: str | None) -> None:
    found = dates.in_url(url)
    assert (found and found.form) == form
