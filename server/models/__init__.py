"""The portal's tables; importing this package makes all of them known."""
from server.models.audit import AuditEvent
from server.models.base import Model
from server.models.catalogue import Chunk, ContentSegment, Folder, Pack, VaultContent, Version
from server.models.computers import Computer, Hardware, HardwareIdentifier, RestoreReport, SetUpCode
from server.models.mail import Mail
from server.models.people import Account, BrowserSession, Customer, PasswordLink, SpareCode, Staff, Submission
from server.models.plans import Plan, Subscription, SubscriptionChange
from server.models.preferences import Preference
from server.models.runs import CustomerDay, FleetDay, Run, RunBatch, RunLog
from server.models.storages import Storage, StorageDay, Vault

__all__ = [
    "Account", "AuditEvent", "BrowserSession", "Chunk", "Computer", "ContentSegment", "Customer", "CustomerDay",
    "FleetDay", "Folder", "Hardware", "HardwareIdentifier", "Mail", "Model", "Pack", "PasswordLink", "Plan",
    "Preference", "RestoreReport", "Run", "RunBatch", "RunLog", "SetUpCode", "SpareCode", "Staff", "Storage",
    "StorageDay", "Submission", "Subscription", "SubscriptionChange", "Vault", "VaultContent", "Version",
]
