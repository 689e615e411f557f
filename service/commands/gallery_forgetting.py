"""`reid gallery`: erase people with a receipt, and read what the audit log says was done."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.command_line import (
    DEFAULT_ADMIN_URL,
    DEFAULT_URL,
    AdminUrl,
    AsJson,
    Url,
    fail,
)
from service.commands.gallery_connection import Name, Yes, connected

if TYPE_CHECKING:
    from service.api.forgetting_answers import ErasureAnswer

forgetting_commands = typer.Typer()

Wait = Annotated[bool, typer.Option("--wait", help="Wait some seconds for it to be final.")]
Purpose = Annotated[str | None, typer.Option(help="Why; stands in the audit log.")]


@forgetting_commands.command()
def erase(
    name: Name,
    url: Url = DEFAULT_URL,
    identity: Annotated[str | None, typer.Option(help="Every tracklet of this person.")] = None,
    tracklet: Annotated[str | None, typer.Option(help="The tracklet with this id.")] = None,
    purpose: Purpose = None,
    wait: Wait = False,  # noqa: FBT002 a flag of the command line
    yes: Yes = False,  # noqa: FBT002 a flag of the command line
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Erase a person or one tracklet, bytes and all, and print the receipt."""
    if (identity is None) == (tracklet is None):
        fail("expected either --identity or --tracklet, received both or neither; see --help")
    with connected(url) as client:
        if not yes:
            whom = f"identity {identity!r}" if tracklet is None else f"tracklet {tracklet!r}"
            typer.confirm(f"Erase {whom} of gallery {name!r} for ever?", abort=True, err=True)
        forgetting = client.forgetting
        if identity is not None:
            receipt = forgetting.erase_identity(name, identity, purpose=purpose, wait=wait)
        else:
            receipt = forgetting.erase_tracklet(name, str(tracklet), purpose=purpose, wait=wait)
        _print_receipt(receipt, as_json=as_json)


@forgetting_commands.command()
def erasures(
    name: Name,
    receipt_id: Annotated[str | None, typer.Argument(help="One receipt; otherwise all.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """List the erasures of a gallery, or show how far one of them is."""
    from service.client.gallery_commands import print_table

    with connected(url) as client:
        if receipt_id is not None:
            _print_receipt(client.forgetting.erasure(name, receipt_id), as_json=as_json)
            return
        columns = ("receipt_id", "identity", "tracklet_id", "state", "tracklets", "requested")
        print_table("erasures", client.forgetting.erasures(name), columns, as_json=as_json)


@forgetting_commands.command()
def audit(
    admin_url: AdminUrl = DEFAULT_ADMIN_URL,
    purpose: Purpose = None,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Print the audit log, oldest entry first: who did what, when, to whom, and why."""
    from service.client.gallery_commands import print_table

    with connected(admin_url, admin_url=admin_url) as client:
        columns = ("at", "actor", "action", "gallery", "subject", "purpose", "count")
        entries = list(client.forgetting.audit(purpose=purpose))
        print_table("entries", entries, columns, as_json=as_json)


def _print_receipt(receipt: "ErasureAnswer", *, as_json: bool) -> None:
    from service.client.gallery_commands import print_answer, print_table

    print_answer(receipt, as_json=as_json, left_out={"places"})
    if not as_json:
        columns = ("place", "replica", "state", "at")
        print_table("places", receipt.places, columns, as_json=False)
