"""What processes and the database use, read from the kernel and from Postgres itself."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")

CONNECTIONS = """
SELECT count(*)
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND pid <> pg_backend_pid()
"""
WORK = """
SELECT xact_commit + xact_rollback, tup_returned, tup_inserted + tup_updated + tup_deleted
  FROM pg_stat_database
 WHERE datname = current_database()
"""
TABLES = """
SELECT c.relname, pg_total_relation_size(c.oid), coalesce(s.n_tup_ins - s.n_tup_del, 0)
  FROM pg_class c
  LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
 WHERE c.relkind = 'r'
   AND c.relnamespace = 'public'::regnamespace
"""
WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


@dataclass(frozen=True, slots=True)
class Work:
    """What the database did since it began: transactions, rows read, rows written."""

    transactions: int
    read: int
    written: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table's size with its indexes, and the rows that it gained since statistics began."""

    size_bytes: int
    rows: int


def tree(root: int) -> list[int]:
    """Return a process and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def pss_mib(roots: list[int]) -> float:
    """Return the memory of these processes and all below, shared pages counted once, in MiB."""
    total_kib = 0
    for pid in {pid for root in roots for pid in tree(root)}:
        with suppress(OSError):
            for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total_kib += int(line.split()[1])
    return total_kib / 1024


def cpu_s(root: int) -> float:
    """Return the CPU seconds of a process, of all below, and of its children that have ended."""
    ticks = 0
    for pid in tree(root):
        with suppress(OSError):
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(fields[at]) for at in (11, 12, 13, 14))
    return ticks / TICKS_A_SECOND


def alone_s(pid: int) -> float:
    """Return the CPU seconds of a process itself, without any that it started."""
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def machine_s() -> float:
    """Return the CPU seconds that the whole machine has used since its start."""
    fields = (_PROC / "stat").read_text().split()[1:9]
    idle, waiting = int(fields[3]), int(fields[4])
    return (sum(map(int, fields)) - idle - waiting) / TICKS_A_SECOND


def connections(con: psycopg.Connection) -> int:
    """Return how many others are connected to this database."""
    row = con.execute(CONNECTIONS).fetchone()
    return int(row[0]) if row else 0


def work(con: psycopg.Connection) -> Work:
    """Return what this database did."""
    con.execute("SELECT pg_stat_force_next_flush()")
    row = con.execute(WORK).fetchone()
    assert row is not None
    return Work(*map(int, row))


def tables(con: psycopg.Connection) -> dict[str, Table]:
    """Return the bytes and the rows of each table."""
    return {name: Table(int(size), int(rows)) for name, size, rows in con.execute(TABLES)}


def wal_bytes(con: psycopg.Connection) -> int:
    """Return how much this server has written to its log of changes since its birth."""
    row = con.execute(WAL).fetchone()
    return int(row[0]) if row else 0
