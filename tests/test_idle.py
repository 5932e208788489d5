"""The warning before a session ends, in Chromium: it comes in time, the keyboard reaches it, and typing is work."""

from __future__ import annotations

import pytest
from browsing import chromium, seats
from factories import PASSWORD
from playwright.sync_api import expect
from screening import Clock
from serving import served

pytestmark = pytest.mark.browser
ADMIN = "county_admin"


@pytest.fixture
def seat(portal, clock, tmp_path):
    """Seats people at the portal, served from this process, whose clock the test moves."""
    with served(portal) as address, chromium() as browser, seats(browser, f"http://{address}", tmp_path) as seat:
        yield seat


def pass_(clock: Clock, *people, **by: float) -> None:
    """Time goes by, on the server and in the browsers."""
    clock.on(**by)
    for person in people:
        person.page.clock.fast_forward(int(sum(value * {"minutes": 60, "seconds": 1}[unit] for unit, value in by.items()) * 1000))


def at_work(seat, url: str = "/admin/user/new/"):
    person = seat()
    person.page.clock.install()
    person.sign_in(ADMIN, PASSWORD)
    person.page.goto(url)
    return person


def warning(person):
    return person.page.locator("#idle")


def test_the_warning_comes_at_thirteen_minutes_and_a_key_goes_on(seat, clock, tmp_path):
    person = at_work(seat)
    person.write("姓名", "赵小明")
    pass_(clock, person, minutes=12, seconds=30)
    expect(warning(person)).to_be_hidden()
    pass_(clock, person, seconds=45)
    expect(warning(person)).to_contain_text("两分钟后将自动退出")
    person.page.screenshot(path=tmp_path / "warning.png")
    person.button("继续使用").focus()
    person.page.keyboard.press("Enter")
    expect(warning(person)).to_be_hidden()
    pass_(clock, person, minutes=12)
    expect(person.page.get_by_label("姓名", exact=True)).to_have_value("赵小明")
    person.page.goto("/admin/")
    person.at("待办")


def test_who_types_is_at_work(seat, clock):
    person = at_work(seat)
    for _ in range(4):
        pass_(clock, person, minutes=6)
        with person.page.expect_response("**/stay"):
            person.page.get_by_label("姓名", exact=True).press_sequentially("赵")
        expect(warning(person)).to_be_hidden()
    person.page.goto("/admin/")
    person.at("待办")


def test_other_tabs_hear_of_it(seat, clock):
    person = at_work(seat)
    other = person.context.new_page()
    other.goto("/admin/case/")
    pass_(clock, person, minutes=13, seconds=30)  # the clock is that of all tabs
    for page in (person.page, other):
        expect(page.locator("#idle")).to_be_visible()
    person.press("继续使用")
    expect(warning(person)).to_be_hidden()
    expect(other.locator("#idle")).to_be_hidden()


def test_after_eight_hours_no_button_goes_on(seat, clock):
    person = at_work(seat)
    for _ in range(47):
        clock.on(minutes=10)
        person.context.request.get(f"{person.address}/admin/")
    clock.on(minutes=8, seconds=30)
    person.page.goto("/admin/")
    expect(warning(person)).to_contain_text("登录即将满 8 小时")
    expect(person.button("继续使用")).to_be_hidden()


def test_what_was_typed_outlives_the_session(seat, clock, tmp_path):
    person = at_work(seat)
    person.write("用户名", "zhaoxm")
    person.write("姓名", "赵小明")
    person.write("依据", "任命〔2021〕8号")
    pass_(clock, person, minutes=16)
    expect(warning(person)).to_contain_text("登录已结束")
    person.press("保存")
    person.sees("15 分钟没有操作", "您填写的内容已保留")
    person.page.screenshot(path=tmp_path / "login.png")
    person.write("用户名", ADMIN)
    person.write("密码", PASSWORD)
    person.press("登录")
    person.at("已保留您填写的内容")
    person.sees("赵小明", "zhaoxm", "任命〔2021〕8号")
    person.page.screenshot(path=tmp_path / "draft.png")
    person.press("继续提交")
    person.at("用户")
    person.sees("zhaoxm")
    person.page.goto("/admin/signin/")
    person.at("在线用户")
    person.page.screenshot(path=tmp_path / "signedin.png")
