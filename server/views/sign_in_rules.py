"""The administrator's page of the rules for signing in."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access
from server.forms.auth import SignInRulesForm
from server.services.house import preferences
from server.services.house.versions import EditedMeanwhile
from server.services.signing_in import sign_in_rules
from server.views.settings import blueprint


@blueprint.get("/signing-in")
def signing_in() -> ResponseReturnValue:
    """How long a sign-in lasts, and who needs a second step."""
    access.administrator()
    return _page(SignInRulesForm(obj=sign_in_rules.read_rules()))


@blueprint.post("/signing-in")
def save_signing_in() -> ResponseReturnValue:
    """Set the rules; they hold at once."""
    access.administrator()
    form = SignInRulesForm()
    if not form.validate_on_submit():
        return _page(form)
    try:
        sign_in_rules.change_rules(form.read(), form.version.data, datetime.now(UTC), actor=access.actor(),
                                   address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, sign_in_rules.read_rules())
        return _page(form)
    flash("Saved. It holds at once, for those who are signed in too.")
    return redirect(url_for(".signing_in"), 303)


def _page(form: SignInRulesForm) -> ResponseReturnValue:
    return render_template("settings/signing_in.html", form=form,
                           record=preferences.record_of(sign_in_rules.TOPIC)), form.status
