"""Runs one training attempt and sees to it that nothing of it is left when it ends.

    python3 -I -S supervisor.py <instance directory> <claim by, epoch milliseconds>

Standard library only. It is Python, not Node, because the trainer needs a Python anyway, because it stays small
(about 10 MB against 50), and because two system calls that Node cannot reach make it airtight on Linux:
- PR_SET_CHILD_SUBREAPER: processes that detach themselves (own session, dead parent) become children of the
  supervisor instead of escaping to init, so "nothing left" is a look at its own children;
- PR_SET_PDEATHSIG: if the supervisor is killed, the kernel itself tells the trainer to save and exit.

Files in the directory (written atomically; `layout.ts` names the same ones):
  launch.json, deadline.json, stop.json   read; the latter two may appear and change at any time
  supervisor.json, exit.json              written; the first is the claim: who makes it starts the trainer, once
Exit codes: 0 the attempt is over, 3 somebody else has the claim, 4 too late to claim.
"""

import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time

LINUX = sys.platform.startswith("linux")
TICK = 0.2
RESCAN = 2.0
LOG_LIMIT = 64 * 1024 * 1024
SHUTDOWN_GRACE = 30_000
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None, use_errno=True) if LINUX else None


def now():
    return int(time.time() * 1000)


ROOM = "room"


def keep_room():
    """A page of the disk for the exit record: a trainer that fills the disk must not leave its end unrecorded."""
    with open(os.open(ROOM, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(b"\0" * 4096)
        os.fsync(file.fileno())


def record_exit(record):
    try:
        os.unlink(ROOM)
    except OSError:
        pass  # never made, or the directory is gone
    write_json("exit.json", record)


def write_json(path, value):
    temporary = "%s.%d" % (path, os.getpid())
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)


def read_json(path):
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError:
        return None


class Watched:
    """A JSON file that is read again only when it was replaced."""

    def __init__(self, path):
        self.path, self.stamp, self.value = path, None, None

    def read(self):
        try:
            info = os.stat(self.path)
        except FileNotFoundError:
            return self.value
        stamp = (info.st_mtime_ns, info.st_ino)
        if stamp != self.stamp:
            self.stamp, self.value = stamp, read_json(self.path)
        return self.value


# ---- processes -------------------------------------------------------------------------------------------------------


def boot_id():
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def stat_fields(pid):
    """(parent, start time in ticks, is a zombie) of a process, or None."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may hold anything; what follows the last one may not.
    fields = text[text.rindex(")") + 2 :].split()
    return int(fields[1]), fields[19], fields[0] in "ZX"


def identity(pid):
    """What tells this process from a later one with the same number. `processes.ts` computes the same string."""
    if LINUX:
        fields = stat_fields(pid)
        return "%s:%s" % (boot_id(), fields[1]) if fields else None
    started = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout
    return started.strip() or None


def parents():
    """{pid: (parent, start)} of every process that still runs."""
    if not LINUX:
        lines = subprocess.run(["ps", "-axo", "pid=,ppid=,pgid="], capture_output=True, text=True).stdout
        return {int(p): (int(q), g) for p, q, g in (line.split() for line in lines.splitlines())}
    found = {}
    for entry in os.listdir("/proc"):
        fields = stat_fields(int(entry)) if entry.isdigit() else None
        if fields and not fields[2]:
            found[int(entry)] = fields[:2]
    return found


def descendants(group):
    """{pid: start} of all that came from this process. Without a subreaper also those of the trainer's group."""
    table, found, wanted = parents(), {}, {os.getpid()}
    grown = True
    while grown:
        grown = False
        for pid, (parent, start) in table.items():
            mine = parent in wanted or (not LINUX and start == str(group))
            if mine and pid not in wanted:
                wanted.add(pid)
                found[pid] = start
                grown = True
    return found


def send(pid, start, number):
    """Signals exactly the process that was seen, not a later one with its number."""
    handle = None
    try:
        # A handle pins the process, so that the check and the signal mean the same one. Old kernels have none.
        handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        fields = stat_fields(pid) if LINUX else None
        if LINUX and (fields is None or fields[1] != start):
            return
        if handle is None:
            os.kill(pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except (ProcessLookupError, PermissionError):
        pass
    finally:
        if handle is not None:
            os.close(handle)


def memory(pids):
    """Bytes that only these processes hold: anonymous and swapped pages, and the largest share of shared memory.

    File-backed pages do not count: the kernel takes them back, and memory-mapped weights are made of them.
    """
    own, shared = 0, 0
    for pid in pids:
        try:
            if LINUX:
                with open("/proc/%d/status" % pid) as file:
                    lines = (line.split() for line in file)
                    kib = {line[0]: int(line[1]) for line in lines if line[0] in ("RssAnon:", "RssShmem:", "VmSwap:")}
            else:
                rss = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True).stdout
                kib = {"RssAnon:": int(rss or 0)}
        except (FileNotFoundError, ProcessLookupError, ValueError):
            continue
        own += kib.get("RssAnon:", 0) + kib.get("VmSwap:", 0)
        shared = max(shared, kib.get("RssShmem:", 0))
    return (own + shared) * 1024


def make_cgroup(name):
    """A control group of the attempt's own, where the system lets us have one: its members cannot leave it.

    Only needed once the supervisor was killed: the operator then finds by it what no ancestry leads to any more.
    """
    try:
        with open("/proc/self/mountinfo") as file:
            mounts = [line.split() for line in file]
        with open("/proc/self/cgroup") as file:
            own = [line.strip()[3:] for line in file if line.startswith("0::")]
        root, point = [(mount[3], mount[4]) for mount in mounts if mount[mount.index("-") + 1] == "cgroup2"][0]
        path = os.path.join(point, os.path.relpath(own[0], root), "kriptik-" + name)
        os.mkdir(os.path.normpath(path))
        return os.path.normpath(path)
    except (OSError, IndexError, ValueError):
        return None


# ---- the attempt -----------------------------------------------------------------------------------------------------


class Attempt:
    def __init__(self, launch):
        self.launch = launch
        self.limits = launch["resources"]
        self.timing = launch["timing"]
        self.deadline, self.stop = Watched("deadline.json"), Watched("stop.json")
        self.status = None  # of the trainer, as waitpid gives it
        self.reason, self.message = "exited", None
        self.kill_at = None
        self.told_at = None
        self.known, self.scanned = {}, 0.0
        self.inode = os.stat(".").st_ino
        self.cgroup = make_cgroup(launch["id"]) if LINUX else None

    def before_exec(self):
        """In the child, between fork and exec."""
        if LINUX:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != self.supervisor:
                os._exit(1)
            if self.cgroup:
                with open(os.path.join(self.cgroup, "cgroup.procs"), "w") as file:
                    file.write("0")
            if "cpus" in self.limits:
                # The highest ones: the operator and the system tend to sit on the lowest.
                allowed = sorted(os.sched_getaffinity(0))
                os.sched_setaffinity(0, allowed[-self.limits["cpus"] :])
        os.nice(self.limits.get("niceness", 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    def start(self):
        self.supervisor = os.getpid()
        log = os.open("trainer.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        child = subprocess.Popen(
            self.launch["command"] + ["run", "--spec", os.path.join(os.getcwd(), "spec.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=self.before_exec,
        )
        os.close(log)
        child.returncode = 0  # reaped below; Popen must not wait for it as well
        self.pid, self.started = child.pid, now()

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                self.status = status

    def end(self, reason, message, kill_at):
        """Asks the trainer to save and exit, now, and lets nothing run past `kill_at`. The first reason stands."""
        if self.told_at is None:
            self.told_at, self.reason, self.message = now(), reason, message
            if kill_at > now():
                os.kill(self.pid, signal.SIGTERM)
        self.kill_at = kill_at if self.kill_at is None else min(self.kill_at, kill_at)

    def check_requests(self):
        stop = self.stop.read()
        if stop is not None:
            self.end("terminated", None, stop["killAt"])
        try:
            vanished = os.stat(self.launch["directory"]).st_ino != self.inode
        except OSError:
            vanished = True
        if vanished:
            self.end("terminated", "the directory of the attempt was removed while it ran", now() + SHUTDOWN_GRACE)

    def check_deadline(self):
        at = (self.deadline.read() or {}).get("at")
        grace = self.timing["hardDeadlineGrace"]
        if at is not None and now() >= at - grace:
            self.end(
                "hardDeadline",
                "the hard deadline was reached before the trainer had ended by itself; what counts is its last "
                "verified checkpoint",
                at - min(500, grace // 2),
            )

    def check_start(self):
        limit = self.timing["startTimeout"]
        if now() - self.started > limit and not os.path.exists("port.json"):
            self.end(
                "startTimeout",
                "the trainer did not open its control port within %d s; its log tells why" % (limit // 1000),
                now(),
            )

    def check_memory(self):
        limit = self.limits.get("memoryBytes")
        if limit is None:
            return
        if time.monotonic() - self.scanned > RESCAN or not self.known:
            self.known, self.scanned = descendants(self.pid), time.monotonic()
        used = memory(self.known)
        if used > limit:
            self.end(
                "memoryLimit",
                "the trainer used %d MiB of memory, its limit is %d MiB: lower the batch size or the maximum length, "
                "or raise the provider's maxMemory" % (used >> 20, limit >> 20),
                now(),
            )

    def check_log(self):
        if os.stat("trainer.log").st_size > LOG_LIMIT:
            # Copy and cut: the trainer holds the file open for appending.
            with open("trainer.log", "rb") as source, open("trainer.log.1", "wb") as target:
                os.sendfile(target.fileno(), source.fileno(), 0, LOG_LIMIT)
            os.truncate("trainer.log", 0)

    def sweep(self):
        """Ends whatever the trainer left, also what changed its group or session. Returns once nothing is left."""
        pause = 0.01
        while True:
            self.reap()
            left = descendants(self.pid)
            if not left:
                return
            for pid, start in left.items():
                send(pid, start, signal.SIGKILL)
            time.sleep(pause)
            pause = min(2 * pause, 1.0)  # one that cannot die yet, as in a hanging driver, is waited for

    def remove_cgroup(self):
        try:
            if self.cgroup:
                os.rmdir(self.cgroup)
        except OSError:
            pass  # an empty group that stays costs nothing

    def exit_record(self):
        record = {"code": None, "signal": None, "at": now(), "reason": self.reason}
        if os.WIFSIGNALED(self.status):
            record["signal"] = signal.Signals(os.WTERMSIG(self.status)).name
        else:
            record["code"] = os.WEXITSTATUS(self.status)
        if self.message:
            record["message"] = self.message
        return record


def run(attempt, wake, told):
    while attempt.status is None:
        select.select([wake], [], [], TICK)
        try:
            os.read(wake, 512)
        except BlockingIOError:
            pass
        attempt.reap()
        if attempt.status is not None:
            break
        if told:
            attempt.end("terminated", "the supervisor was told to stop, as by a shutdown", now() + SHUTDOWN_GRACE)
        attempt.check_requests()
        attempt.check_deadline()
        attempt.check_start()
        attempt.check_memory()
        try:
            attempt.check_log()
        except OSError:
            pass  # a full disk must not end the supervision
        if attempt.kill_at is not None and now() >= attempt.kill_at:
            attempt.sweep()
    attempt.sweep()


def claim(directory, claim_by):
    """True for exactly one process per directory, ever."""
    os.chdir(directory)
    if now() > claim_by:
        return 4
    temporary = "claim.%d" % os.getpid()
    write_json(temporary, {"pid": os.getpid(), "identity": identity(os.getpid()), "at": now()})
    try:
        os.link(temporary, "supervisor.json")  # unlike a rename, refused where one is
    except FileExistsError:
        return 3
    finally:
        os.unlink(temporary)
    return 0


def main():
    directory, claim_by = sys.argv[1], int(sys.argv[2])
    code = claim(directory, claim_by)
    if code:
        return code
    # After the claim: whoever writes stop.json sees the claim, or is seen here. One of the two must happen.
    if os.path.exists("stop.json"):
        write_json("exit.json", {"code": None, "signal": None, "at": now(), "reason": "neverStarted"})
        return 0

    if LINUX:
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told = []
    wake, waker = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.append(True))

    attempt = Attempt(read_json("launch.json"))
    try:
        keep_room()
        attempt.start()
    except (OSError, subprocess.SubprocessError) as error:
        attempt.remove_cgroup()
        message = "the trainer could not be started (%s): run make trainer" % error
        record_exit({"code": None, "signal": None, "at": now(), "reason": "spawnFailed", "message": message})
        return 0
    claimed = read_json("supervisor.json")
    claimed["trainer"] = {"pid": attempt.pid, "startedAt": attempt.started}
    if attempt.cgroup:
        claimed["cgroup"] = attempt.cgroup
    write_json("supervisor.json", claimed)
    run(attempt, wake, told)
    attempt.remove_cgroup()
    try:
        record_exit(attempt.exit_record())
    except FileNotFoundError:
        pass  # the directory was removed; nothing runs any more, which is what matters
    return 0


if __name__ == "__main__":
    sys.exit(main())
