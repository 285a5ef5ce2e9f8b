"""Links with their previews."""

from __future__ import annotations

from imsg_sdk.sandbox import archive, body
from imsg_sdk.sandbox.database import Attachment
from imsg_sdk.sandbox.world.world import Draft, World

__all__ = ["link_draft"]


def link_draft(world: World, url: str) -> Draft:
    """Return a message that is the preview of a link."""
    site = url.partition("://")[2].partition("/")[0] or url
    payload = archive.link(url, site, "", site, b"")
    with world.turn() as turn:
        image = turn.dice.guid()
    file = Attachment(
        0, image, 0, None, None, None, f"{image}.pluginPayloadAttachment", 4096, is_outgoing=1, hide_attachment=1
    )
    fields = {"balloon_bundle_id": archive.URL_BALLOON, "payload_data": payload}
    return Draft(url, body.stretches((url, {body.LINK: body.Url(url)})), [file], fields=fields)
