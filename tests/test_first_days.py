"""A county's first days in the browser: a post asked for and granted, a code that signs in once, an own password, a phone."""

from __future__ import annotations

import re

import pyotp
import pytest
from browsing import PASSWORD, Person, Portal

from models import realtime

pytestmark = pytest.mark.browser
OWN = "Xk-Sdfpq-83726"


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    """A county that was only just set up, with who grants posts, at grade 3: codes from a phone for county posts."""
    portal = Portal(tmp_path_factory.mktemp("portal"))
    portal.env["PORTAL_SECOND_FACTOR"] = "on"
    portal.run("init")
    portal.run("user", "add", "zheng", "--role", "security_admin", "--area", "141122")
    portal.begin()
    portal.wait()
    yield portal
    portal.end()


class Phone:
    """The app on a phone: scans nothing, types the secret, shows codes; never the same twice."""

    def __init__(self, person: Person):
        text = person.page.locator(".mono").inner_text()
        self.codes, self.last = pyotp.TOTP(text.replace(" ", "")), -1

    def shows(self) -> str:
        step = max(int(realtime.now().timestamp()) // 30 - 1, self.last + 1)
        self.last = step
        return self.codes.generate_otp(step)


def asks_for(person: Person, username: str, password: str) -> None:
    person.name = username
    person.page.goto("/")
    person.write("用户名", username)
    person.write("密码", password)
    person.press("登录")


def sets_the_phone_up(person: Person, password: str) -> Phone:
    person.at("我的账号")
    person.sees("您的岗位登录时还须输入手机动态码")
    person.write("当前密码", password)
    person.press("设置生成器")
    person.at("设置动态码生成器")
    picture = person.page.get_by_role("img")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
    phone = Phone(person)
    person.write("手机现在显示的动态码", phone.shows())
    person.press("确认动态码")
    person.at("待办")
    return phone


def test_the_first_days_of_a_county(browser, portal):
    admin = Person(browser, portal.address)
    asks_for(admin, "county_admin", PASSWORD)
    sets_the_phone_up(admin, PASSWORD)
    code = asks_for_an_approver(admin)

    approver = Person(browser, portal.address)
    asks_for(approver, "li", code)
    approver.sees("用户名或密码不对")  # the post is not granted yet
    approver.forgive(401)
    security = Person(browser, portal.address)
    asks_for(security, "zheng", PASSWORD)
    sets_the_phone_up(security, PASSWORD)
    grants_the_post(security)

    asks_for(approver, "li", code)
    approver.at("我的账号")
    approver.sees("请先设置自己的密码")
    approver.does_not_see("栏目")
    approver.write("告知您的一次性登录码", code)
    approver.write("新密码", "Jiaocheng-2021")
    approver.write("再次输入新密码", "Jiaocheng-2021")
    approver.press("修改密码")
    approver.sees("密码不得包含本地人人都会想到的词")
    approver.faults.clear()  # Chromium notes every form that is refused
    for label, text in (("告知您的一次性登录码", code), ("新密码", OWN), ("再次输入新密码", OWN)):
        approver.write(label, text)
    approver.press("修改密码")
    phone = sets_the_phone_up(approver, OWN)
    approver.press("退出")

    asks_for(approver, "li", OWN)
    approver.at("手机动态码")
    approver.write("手机动态码", phone.shows())
    approver.press("登录")
    approver.at("待办")
    approver.follow("李审批县审批")
    approver.at("我的账号")
    assert admin.faults == security.faults == approver.faults == []


def asks_for_an_approver(admin: Person) -> str:
    admin.enter("用户")
    admin.follow("添加")
    admin.write("用户名", "li")
    admin.write("姓名", "李审批")
    admin.choose("岗位", "县审批")
    admin.write("依据", "交人社任〔2021〕8号")
    admin.press("保存")
    admin.sees("的一次性登录码", "李审批 的岗位等待安全管理员授权。")
    return re.search(r"[A-Z]{2}-[a-z]{5}-[2-9]{5}", "".join(admin.page.get_by_role("status").all_inner_texts()))[0]


def grants_the_post(security: Person) -> None:
    """What waits is told beside the room; the page of the person shows who asked, and on what basis."""
    security.enter("用户")
    security.at("用户")
    security.follow("li")
    security.at("李审批 li")
    security.sees("待授权", "交人社任〔2021〕8号", "county_admin")
    security.press("授权")
    security.sees("李审批 的岗位已授权。", "已授权")
