"""``bardtune dashboard``: optuna-dashboard on the stored studies."""

from typing import Annotated

import typer

from bardtune.search.cli.options import StorageOption, app, example


@app.command(
    epilog=example("bardtune dashboard", "bardtune dashboard --port 8123 --storage sqlite:////data/studies.db")
)
def dashboard(
    storage: StorageOption = None,
    port: Annotated[int, typer.Option(help="0 takes any free one.", min=0, max=65_535)] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on; the default is for this machine alone.")] = (
        "127.0.0.1"
    ),
) -> int:
    """Serve optuna-dashboard for the stored studies, also beside a running one.

    It only reads: what would change a study is refused. Ctrl-C ends it.
    """
    from bardtune.search.commands.dashboard import dashboard_command

    return dashboard_command(storage, host, port)
