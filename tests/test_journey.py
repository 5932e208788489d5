"""The journey of a list through the county, in Chromium: handed out, worked through, signed by three, on paper."""

from __future__ import annotations

import io
import json
import re
from decimal import Decimal
from pathlib import Path

import openpyxl
import pdfplumber
import pytest
from browsing import PASSWORD, TELEPHONE, Person, Portal, chromium, seats
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from exports.amounts import in_words
from models import rates
from portal.demo import COUNTY_ROLES

pytestmark = pytest.mark.browser
SAMPLES = Path(__file__).parent / "samples"
PEOPLE, IN_TIANNING = 640, 189
CERTIFIED = {"艾元": "141120195404046319", "魏变守": "141120194211211547"}
FOREIGNER = "141120193601259349"
DECEASED, WITHOUT_SCRIPT = "冉娃拴", "尤贞"
POSTS = {"county_clerk": "141122", "county_reviewer": "141122", "county_approver": "141122", "township-141122100": "141122100"}
ROOMS = {"system_admin": 4, "security_admin": 3}  # whoever keeps accounts or grants posts has no business rooms


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """`portal demo`, which builds its county while the other tests go on."""
    demo = Portal(tmp_path_factory.mktemp("demo"))
    demo.begin("demo")
    yield demo
    demo.end()


@pytest.fixture(scope="module")
def portal(demo, tmp_path_factory):
    """A county that was only just set up, with one person in each post of the journey, served for real."""
    portal = Portal(tmp_path_factory.mktemp("portal"))
    portal.run("init")
    for post, area in POSTS.items():
        portal.run("user", "add", post, "--role", post.partition("-")[0], "--area", area)
    portal.begin()
    portal.wait()
    yield portal
    portal.end()


def test_a_list_goes_from_the_county_to_its_ranking(browser, portal, tmp_path):
    with seats(browser, portal.address, tmp_path) as seat:
        clerk = seat("county_clerk")
        brings_in(clerk, "暂停人员名单", "roster_province.xlsx")
        brings_in(clerk, "待遇信息表", "benefits.xlsx")
        hands_out(clerk)

        township = seat("township-141122100")
        takes_the_list_over(township)
        records_a_death(township)
        certifies_two_at_once(township)
        a_step_needs_no_script(seat, township)
        sees_no_other_township(township, portal)

        computes_back_pay(clerk)
        amounts = agrees_with_an_independent_calculation(clerk, portal)
        signs(seat("county_reviewer"), "复核")
        signs(seat("county_approver"), "审批")
        is_cleared(township)

        gets_the_back_pay_forms(clerk, amounts)
        gets_the_ranking(clerk)
        fits_a_telephone(township)


def brings_in(clerk: Person, kind: str, file: str) -> None:
    clerk.enter("导入名单")
    clerk.at("导入名单")
    clerk.choose("名单种类", kind)
    clerk.attach("文件（.xlsx、.xls、.et、.csv）", SAMPLES / file)
    clerk.press("上传并检查")
    clerk.at(f"核对：{file}")
    clerk.sees(f"共 {PEOPLE} 行", f"将新增 {PEOPLE} 人", "0 行有错误，不导入", "还没有改动任何数据。")
    clerk.press(f"确认导入 {PEOPLE} 行")
    clerk.at(f"结果：{file}")
    clerk.sees("名单已导入。", f"新增 {PEOPLE} 人")


def hands_out(clerk: Person) -> None:
    clerk.enter("名单下发")
    clerk.sees("名单还没有下发")
    clerk.follow("下发名单……")
    clerk.at("核对：下发名单")
    assert clerk.cells("核对：下发名单", "天宁镇") == ["天宁镇", str(IN_TIANNING), str(IN_TIANNING), "0"]
    clerk.press(f"下发名单（{PEOPLE} 人）")
    clerk.at("名单下发")
    clerk.sees("名单已下发到 8 个乡镇。")


def takes_the_list_over(township: Person) -> None:
    township.page.reload()
    assert township.tile("待核实") == IN_TIANNING
    township.enter("下发与回执")
    township.at("名单下发：天宁镇")
    township.write("接收人姓名", "王建民")
    township.press("确认回执")
    township.sees("回执已登记。", "王建民 于")
    township.page.get_by_role("button", name=re.compile("^发放到 [0-9]+ 个村$")).click()
    township.sees("有暂停人员的村都已发放。")


def records_a_death(township: Person) -> None:
    finds(township, DECEASED)
    township.choose("分类", "已经死亡")
    township.pick("核实方式", "村里反映")
    township.press("保存")
    township.sees(f"{DECEASED}：已办“核实暂停原因”。", "下一步：确认死亡时间", "还差：户籍注销证明或村镇两级盖章的死亡证明")

    township.press("保存")
    township.sees("没有保存：")
    expect(township.page.locator("#problems")).to_be_focused()
    township.forgive(422)
    township.write("死亡日期", "2021-02-03")
    township.pick("死亡时间依据", "户籍注销证明")
    township.attach("户籍注销证明", {"name": "户籍注销证明.png", "mimeType": "image/png", "buffer": a_scan()})
    township.press("保存")
    township.sees(f"{DECEASED}：已办“确认死亡时间”。", "办理中", "下一步：通知家属", "户籍注销证明.png")
    expect(township.page.locator(".facts")).to_contain_text("办理中")


def a_scan() -> bytes:
    image, out = Image.new("RGB", (420, 300), "white"), io.BytesIO()
    ImageDraw.Draw(image).rectangle((20, 20, 400, 280), outline="red", width=4)
    image.save(out, "PNG")
    return out.getvalue()


def finds(person: Person, name: str) -> None:
    """By the search of the bar, then the person's own page."""
    person.write("查找人员", name)
    person.press("查找")
    person.follow(name)
    expect(person.page.get_by_role("heading", level=1)).to_contain_text(name)


def certifies_two_at_once(township: Person) -> None:
    first, second = CERTIFIED
    township.enter("人员清单")
    township.at("人员清单")
    township.tick(first, second)
    township.choose("批量办理", "按建议分类")
    township.press("继续")
    township.at("按建议分类：2 人")
    township.pick("核实方式", "入户走访")
    township.press("核对")
    township.at("核对：按建议分类")
    township.sees("2 人将办理，0 人跳过。现在还没有作任何更改。")
    township.press("为 2 人办理")
    township.at("结果：按建议分类")
    township.sees("已办 2 人，跳过 0 人。")

    township.enter("待办")
    assert (township.tile("待核实"), township.tile("等我办")) == (IN_TIANNING - 3, IN_TIANNING)
    township.enter("人员清单")
    township.tick(first, second, "孙林改")
    township.choose("批量办理", "协助办理资格认证")
    township.press("继续")
    township.at("协助办理资格认证：3 人")
    township.press("核对")
    township.sees("没有保存：")
    township.forgive(422)
    township.write("认证日期", "2021-09-18")
    township.pick("认证方式", "上门")
    township.press("核对")
    township.at("核对：协助办理资格认证")
    township.sees("2 人将办理，1 人跳过。", "没有可批量办理的这个步骤")
    township.press("为 2 人办理")
    township.at("结果：协助办理资格认证")
    township.sees("已办 2 人，跳过 1 人。")

    township.enter("待办")
    township.at("待办")
    assert (township.tile("待核实"), township.tile("等我办")) == (IN_TIANNING - 3, IN_TIANNING - 2)


def a_step_needs_no_script(seat, township: Person) -> None:
    """Whoever has scripts switched off establishes a reason all the same. Signing in there ends the session here."""
    plain = seat("township-141122100", java_script_enabled=False)
    finds(plain, WITHOUT_SCRIPT)
    plain.choose("分类", "未通过资格认证")
    plain.pick("核实方式", "电话核实")
    plain.press("保存并办下一位")
    plain.sees(f"{WITHOUT_SCRIPT}：已办“核实暂停原因”。")
    assert WITHOUT_SCRIPT not in plain.page.get_by_role("heading", level=1).inner_text()
    finds(plain, WITHOUT_SCRIPT)
    plain.sees("下一步：协助办理资格认证")
    township.sign_in("township-141122100")
    assert township.tile("待核实") == IN_TIANNING - 4


def sees_no_other_township(township: Person, portal: Portal) -> None:
    elsewhere = portal.json("case", FOREIGNER)
    assert elsewhere["area_code"].startswith("141122101")
    township.is_refused(f"/admin/case/details/?id={elsewhere['id']}", 404)
    township.at("没有这个页面，或不在您的辖区。")
    township.does_not_see(elsewhere["person"]["name"])
    township.follow("回到待办")
    township.at("待办")


def computes_back_pay(clerk: Person) -> None:
    for deed, filled in (("续发待遇", {"恢复正常发放的首月": "2021-10"}), ("核算补发或追回金额", {})):
        clerk.enter("人员清单")
        clerk.follow("等我办")
        clerk.tick(*CERTIFIED)
        clerk.choose("批量办理", deed)
        clerk.press("继续")
        for label, text in filled.items():
            clerk.at(f"{deed}：2 人")
            clerk.write(label, text)
            clerk.press("核对")
        clerk.at(f"核对：{deed}")
        clerk.press("为 2 人办理")
        clerk.at(f"结果：{deed}")
        clerk.sees("已办 2 人，跳过 0 人。")


def agrees_with_an_independent_calculation(clerk: Person, portal: Portal) -> dict[str, str]:
    """The screen shows what the command shows, and what the trial calculation makes of the imported row and the rates."""
    amounts = {}
    for name, number in CERTIFIED.items():
        settlement = portal.json("case", number)["settlement"]
        trial = portal.json("settle", "--facts", "-", "--rates", str(Path(rates.__file__).parent / "data" / "rates.csv"),
                            stdin=json.dumps(trial_of(number)))
        for figure in ("back_pay", "recover", "offset", "still_to_refund", "lines"):
            assert settlement[figure] == trial[figure], figure
        finds(clerk, name)
        clerk.sees("待复核", "这一步由县复核办理")
        expect(clerk.page.locator(".amounts").get_by_role("row").first).to_have_text(f"补发{trial['back_pay']}")
        clerk.follow("逐月明细")
        clerk.sees("用当时固定的数据重新核算，结果一致。", "差额为正是应补发")
        expect(clerk.page.get_by_role("button", name="复核")).to_have_count(0)
        amounts[name] = trial["back_pay"]
    return amounts


def trial_of(number: str) -> dict:
    """The document of `portal settle`, from the two lists as they were imported."""
    pension, listed = row_of("benefits.xlsx", number), row_of("roster_province.xlsx", number)
    month = lambda text: f"{text[:4]}-{text[4:]}"
    return {
        "as_of": "2021-09", "paused_from": month(listed["暂停年月"]), "resumes": "2021-10", "payments": None, "rates": None,
        "category": "uncertified", "facts": {"certified_on": "2021-09-18"},
        "person": {"born": f"{number[6:10]}-{number[10:12]}-{number[12:14]}", "basic_from": month(pension["待遇开始年月"]),
                   "supplement_from": month(pension["补充养老保险开始年月"]), "years_paid": pension["缴费年限"],
                   "account_pension": pension["个人账户月标准"], "account_balance": pension["个人账户余额"],
                   "government_subsidy": pension["其中政府补贴"],
                   "supplement_account_pension": pension["补充账户月标准"],
                   "supplement_account_balance": pension["补充账户余额"]}}


def row_of(file: str, number: str) -> dict:
    heading, *rows = openpyxl.load_workbook(SAMPLES / file).active.iter_rows(values_only=True)
    return next(found for found in (dict(zip(heading, row, strict=True)) for row in rows) if found["证件号码"] == number)


def signs(person: Person, verb: str) -> None:
    person.enter("资金")
    person.follow("等我办")
    person.tick(*CERTIFIED)
    person.choose("批量办理", verb)
    person.press("继续")
    person.at(f"核对：{verb}")
    person.press(f"{verb}：2 笔核算")
    person.at(f"结果：{verb}")
    person.sees("已办 2 人，跳过 0 人。")


def is_cleared(township: Person) -> None:
    township.enter("人员清单")
    township.follow("已清零")
    for name in CERTIFIED:
        township.sees(name)


def gets_the_back_pay_forms(clerk: Person, amounts: dict[str, str]) -> None:
    clerk.enter("人员清单")
    clerk.tick(*CERTIFIED)
    clerk.choose("批量办理", "生成补发审批表")
    clerk.press("继续")
    clerk.at("核对：生成补发审批表")
    clerk.press("为 2 人办理")
    is_finished(clerk, 2)
    for name, amount in amounts.items():
        clerk.page.get_by_role("row").filter(has_text=name).get_by_role("button").click()
        clerk.choose("用途", "报批")
        file, data = clerk.fetches(lambda: clerk.press("下载"))
        clerk.page.go_back()
        assert file == f"天宁镇-{name}-补发审批表.pdf"
        text = text_of(data)
        for expected in ("补发审批表", name, f"{Decimal(amount):,}", in_words(amount)):
            assert expected in text, f"{expected} is not in {file}"


def is_finished(person: Person, total: int) -> None:
    """The page of a task asks again by itself, also after a reload, until all is there."""
    expect(person.page.get_by_role("heading", level=1)).to_contain_text("任务")
    person.page.reload()
    expect(person.page.get_by_text(f"已完成 {total}/{total}（100%）")).to_be_visible(timeout=30_000)
    expect(person.page.get_by_role("heading", name="已完成")).to_be_visible(timeout=30_000)
    person.page.reload()
    person.sees(f"已完成 {total}/{total}（100%）", "用时")


def text_of(paper: bytes) -> str:
    """All a paper says, without blanks."""
    with pdfplumber.open(io.BytesIO(paper)) as document:
        return re.sub(r"\s", "", "".join(page.extract_text() for page in document.pages))


def gets_the_ranking(clerk: Person) -> None:
    clerk.enter("通报")
    clerk.at("各乡镇排名")
    rank, _moved, *figures = clerk.cells("各乡镇排名", "天宁镇")
    assert [rank, *figures] == ["1", "天宁镇", str(IN_TIANNING), "4", "2.1%", "2", "1.1%", "187", "0", "0"]

    file, data = clerk.fetches(lambda: clerk.press("导出Excel"))
    assert file == "交城县各乡镇排名_2021-09-19.xlsx"
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
    written = next(row for row in sheet if "天宁镇" in row)
    assert [str(cell) for cell in written[:10]] == [figure.rstrip("%") for figure in (rank, *figures)]

    clerk.press("生成本期通报（截至 2021-09-19）")
    is_finished(clerk, 1)
    file, data = clerk.fetches(clerk.page.get_by_role("button", name=re.compile("[.]pdf$")).first.click)
    assert file.endswith(".pdf")
    text = text_of(data)
    for expected in ("天宁镇", "2.1", "1.1", "187"):
        assert expected in text, f"{expected} is not in {file}"
    clerk.enter("通报")
    clerk.sees(file)


def fits_a_telephone(township: Person) -> None:
    township.page.set_viewport_size(TELEPHONE)
    township.enter("人员清单")
    township.at("人员清单")
    finds(township, DECEASED)
    assert township.overhang() <= 0
    township.enter("下发与回执")
    township.at("名单下发：天宁镇")
    township.enter("待办")
    township.at("待办")


def test_signing_in_and_getting_about_needs_no_mouse(browser, portal, tmp_path):
    with seats(browser, portal.address, tmp_path) as seat:
        clerk = seat()
        clerk.page.goto("/")
        clerk.at("登录")
        for text, key in (("county_reviewer", "Tab"), (PASSWORD, "Enter")):
            clerk.page.keyboard.type(text)
            clerk.page.keyboard.press(key)
        clerk.at("待办")

        clerk.page.keyboard.press("Tab")
        expect(clerk.page.get_by_role("link", name="跳到正文")).to_be_focused()
        clerk.page.keyboard.press("Enter")
        expect(clerk.page.get_by_role("main")).to_be_focused()

        clerk.page.reload()
        people = clerk.page.get_by_role("link", name="人员清单", exact=True)
        for _ in range(20):
            clerk.page.keyboard.press("Tab")
            if people.evaluate("link => link === document.activeElement"):
                break
        clerk.page.keyboard.press("Enter")
        clerk.at("人员清单")


def test_the_language_is_switched_and_switched_back(browser, portal, tmp_path):
    with seats(browser, portal.address, tmp_path) as seat:
        clerk = seat("county_clerk")
        clerk.enter("人员清单")
        clerk.press("English")
        clerk.at("People")
        expect(clerk.page.locator("html")).to_have_attribute("lang", "en")
        clerk.press("中文")
        clerk.at("人员清单")
        expect(clerk.page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_signing_out_ends_the_session(browser, portal, tmp_path):
    with seats(browser, portal.address, tmp_path) as seat:
        clerk = seat("county_clerk")
        clerk.enter("人员清单")
        clerk.at("人员清单")
        left = clerk.page.url
        clerk.press("退出")
        clerk.at("登录")
        clerk.page.go_back()
        clerk.at("登录")
        clerk.page.goto(left)
        clerk.at("登录")
        clerk.does_not_see("人员清单")


def test_a_wrong_password_is_told_and_the_name_is_kept(browser, portal, tmp_path):
    with seats(browser, portal.address, tmp_path) as seat:
        clerk = seat()
        clerk.page.goto("/")
        clerk.write("用户名", "county_approver")
        clerk.write("密码", "Portal-2020-gone")
        clerk.press("登录")
        expect(clerk.page.get_by_role("alert")).to_contain_text("用户名或密码不对")
        expect(clerk.page.get_by_label("用户名")).to_have_value("county_approver")
        clerk.forgive(401)


def test_every_room_of_the_demo_opens_for_every_post(browser, demo, tmp_path):
    demo.wait(120)
    with seats(browser, demo.address, tmp_path) as seat:
        for post in (*COUNTY_ROLES, "township-141122100"):
            person = seat(post)
            menu = person.page.get_by_role("navigation", name="栏目").get_by_role("link")
            rooms = menu.evaluate_all("links => links.map(link => link.getAttribute('href'))")
            assert len(rooms) >= ROOMS.get(post, 10), post
            for room in rooms:
                answer = person.page.goto(room)
                assert answer.status == 200, f"{post}, {room}: {answer.status}"
                assert person.overhang() <= 0, f"{post}, {room}: {person.overhang()} pixels broader than the screen"


def test_a_missing_chromium_is_told_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(pytest.fail.Exception, match="sudo apt-get install chromium"), chromium():
        pass
