"""The forms of storages: an FTP server's address, its name and capacity."""
from __future__ import annotations

from wtforms import BooleanField, Field, PasswordField, RadioField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from server.forms.base import TOO_LONG, EditingForm, choices, harmless, line
from server.forms.numbers import WholeNumber, gigabytes_field, in_bytes
from server.models import Storage
from server.services.storage.storage_drafts import Wanted

TLS, PLAIN = "tls", "plain"


class AddressForm(EditingForm):
    """Where an FTP server is and how to sign in to it. The password is never shown again."""

    host = line("Server", required="Enter a name like ftp.example.com or an IP address.")
    port = WholeNumber("Port", 1, 65535, default=21)
    user = line("User name", required="Enter the user name.")
    password = PasswordField("Password", validators=[
        DataRequired("Enter the password."), Length(max=700, message=TOO_LONG), harmless])
    base = line("Folder", longest=1000)
    protection = RadioField("Connection", default=TLS, choices=choices(
        (TLS, "Encrypted (FTPS with AUTH TLS)"), (PLAIN, "Not encrypted (plain FTP)")))
    accepts_plain = BooleanField("I know that whoever can listen on the way learns the password")

    def keep_password(self) -> None:
        """Let an empty password mean the one that is known already."""
        self.password.validators = [Optional(), *self.password.validators[1:]]
        self.password.flags.required = False

    def validate_base(self, field: Field) -> None:
        """An absolute path, without a step up."""
        parts = (field.data or "/").strip("/").split("/")
        if field.data and (not field.data.startswith("/") or (field.data != "/" and {"", ".", ".."} & set(parts))):
            raise ValidationError("Begin with “/”, for example /backups.")

    def validate_accepts_plain(self, field: Field) -> None:
        """Plain FTP needs a decision."""
        if self.protection.data == PLAIN and not field.data:
            raise ValidationError("Tick this to go on without encryption, or choose the encrypted connection.")

    def read(self) -> Wanted:
        """The address that was filled in."""
        return Wanted(self.host.data, self.port.data or 21, self.user.data, self.password.data or "",
                      (self.base.data or "").rstrip("/"), self.protection.data == TLS)

    @classmethod
    def showing(cls, storage: Storage) -> AddressForm:
        """The address of a storage, without its password."""
        return cls(host=storage.host, port=storage.port, user=storage.user, base=storage.base,
                   protection=TLS if storage.tls else PLAIN, accepts_plain=not storage.tls)


class StorageForm(EditingForm):
    """What the portal calls a storage and how much it holds."""

    name = line("Name", required="Enter a name, for example rack 1.", longest=100)
    gigabytes = gigabytes_field("Capacity in GB", optional=True)

    @property
    def capacity(self) -> int | None:
        """How many bytes it holds, if that was said."""
        return None if self.gigabytes.data is None else in_bytes(self.gigabytes.data)


class NewStorageForm(StorageForm):
    """The same for a storage that is about to be added."""

    default = BooleanField("New computers back up here")

