"""The portal's tables; importing this package makes all of them known."""
from server.models.audit import AuditEvent
from server.models.base import Model
from server.models.catalogue import Chunk, ContentSegment, Pack, Version
from server.models.computers import Computer, Hardware
from server.models.people import Account, Customer, Staff
from server.models.plans import Plan, Subscription
from server.models.runs import Run, RunBatch, RunLog
from server.models.storages import Storage, Vault

__all__ = [
    "Account", "AuditEvent", "Chunk", "Computer", "ContentSegment", "Customer", "Hardware", "Model", "Pack", "Plan",
    "Run", "RunBatch", "RunLog", "Staff", "Storage", "Subscription", "Vault", "Version",
]
