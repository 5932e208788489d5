"""Who may do what, as the code has it: posts and their rights, posts that exclude each other, the register of posts."""

from __future__ import annotations

from typing import Any

from flask_admin import expose

from exports import sheets
from models.duties import EXCLUSIONS, FAMILIES, RIGHT_TITLES
from models.user import RIGHTS, ROLE_TITLES, Right, Role
from models.words import N_
from views import downloads
from views.base import OfficePage, reads_first
from views.frame import campaign, now
from views.words import said, say


class PolicyPage(OfficePage):
    title, at, needs = N_("Posts and rights"), "policy", Right.SEE_POLICY

    @expose("/")
    def index(self) -> str:
        return self.render("admin/policy.html", campaign=campaign(), roles=[say(ROLE_TITLES[role]) for role in Role],
                           families=[say(FAMILIES[role]) for role in Role], rights=_rights(), exclusions=_exclusions())

    @expose("/posts", methods=("POST",))
    @reads_first
    def posts(self) -> Any:
        """The register of posts (岗位权限台账) as a workbook."""
        content = sheets.build("posts", campaign(), now(), say)
        name = said(N_("Register of posts {day}.xlsx"), day=now().date().isoformat())
        return downloads.sent(content, name, subject="post_grant")


def _rights() -> list[tuple[str, list[bool]]]:
    """(right in words, whether each post has it)."""
    return [(say(RIGHT_TITLES[right]), [right in RIGHTS[role] for role in Role]) for right in Right]


def _exclusions() -> list[tuple[str, str, str]]:
    """(posts, other posts, why); without others any two of the posts exclude each other."""
    words = lambda roles: "、".join(say(ROLE_TITLES[role]) for role in roles)
    return [(words(each.posts), words(each.others) or say(N_("each other")), say(each.why)) for each in EXCLUSIONS]
