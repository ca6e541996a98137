"""plan, customer, subscription and account: what is sold, to whom, and who signs in."""
from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from server.commands import values
from server.commands.portal import Say, add_data_argument, opened_portal
from server.services.people import accounts, customers
from server.services.selling import plans, subscriptions


def add_arguments(commands: Any) -> None:
    """The words of the four commands."""
    plan = _create(commands, "plan", "make a plan that can be sold", create_plan)
    plan.add_argument("name", metavar="NAME")
    plan.add_argument("--quota", required=True, type=values.size, metavar="SIZE", help="space, like 50GB or 512MiB")
    plan.add_argument("--computers", required=True, type=values.count, metavar="N", help="how many it covers")
    plan.add_argument("--days", required=True, type=values.count, metavar="N", help="how long it is valid")
    plan.add_argument("--keep-days", required=True, type=values.count, metavar="N", help="how long snapshots are kept")

    customer = _create(commands, "customer", "add a customer; prints the customer number", create_customer)
    customer.add_argument("name", metavar="NAME")
    customer.add_argument("--email", required=True, metavar="E")

    licence = _create(commands, "subscription", "sell a plan to a customer; prints the subscription's number",
                      create_subscription)
    licence.add_argument("customer", metavar="CUSTOMER", help="the customer number")
    licence.add_argument("plan", metavar="PLAN", help="the plan's name")
    licence.add_argument("--from", dest="first", type=values.day, metavar="D", help="first day (otherwise today)")
    licence.add_argument("--until", dest="last", type=values.day, metavar="D", help="last day (otherwise by the plan)")
    licence.add_argument("--quota", type=values.size, metavar="Q", help="space (otherwise the plan's)")

    account = _create(commands, "account", "add a customer's sign-in; the first one is the owner", create_account)
    account.add_argument("customer", metavar="CUSTOMER", help="the customer number")
    account.add_argument("user", metavar="USER", help="the user name")
    account.add_argument("--password-stdin", required=True, action="store_true",
                         help="read the password from standard input")
    account.add_argument("--subscription", type=values.count, metavar="ID",
                         help="its number (otherwise the customer's newest)")


def create_plan(options: argparse.Namespace, say: Say) -> None:
    """plan create."""
    with opened_portal(options):
        plan = plans.create_plan(options.name, options.quota, options.computers, options.days,
                                 options.keep_days, datetime.now(UTC))
        say(f"The plan {plan.name} can be sold.")


def create_customer(options: argparse.Namespace, say: Say) -> None:
    """customer create; prints nothing but the customer number, for scripts."""
    with opened_portal(options):
        say(customers.create_customer(options.name, options.email, datetime.now(UTC)).label)


def create_subscription(options: argparse.Namespace, say: Say) -> None:
    """subscription create; prints nothing but the subscription's number, for scripts."""
    with opened_portal(options):
        customer, plan = customers.find_customer(options.customer), plans.find_plan(options.plan)
        sold = subscriptions.create_subscription(customer, plan, datetime.now(UTC), valid_from=options.first,
                                                 valid_until=options.last, quota=options.quota)
        say(str(sold.id))


def create_account(options: argparse.Namespace, say: Say) -> None:
    """account create."""
    password = values.read_password()
    with opened_portal(options):
        customer = customers.find_customer(options.customer)
        chosen = subscriptions.find_subscription(options.subscription) if options.subscription else None
        account = accounts.create_account(customer, options.user, password, datetime.now(UTC), subscription=chosen)
        say(f"{account.user_name} can sign in for {customer.label}.")


def _create(commands: Any, noun: str, purpose: str, run: Any) -> argparse.ArgumentParser:
    words = commands.add_parser(noun, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
    add_data_argument(words)
    verbs = words.add_subparsers(metavar="create", required=True)
    create: argparse.ArgumentParser = verbs.add_parser("create", help=purpose, description=words.description)
    add_data_argument(create)
    create.set_defaults(run=run)
    return create
