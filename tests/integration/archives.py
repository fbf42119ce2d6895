# SPDX-License-Identifier: Apache-2.0
"""What tests need to look at an archive of binary logs without Kura."""
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from conftest import Server, free_port, start     # noqa: F401 (for the tests)

SEGMENT = re.compile(r"sources/([^/]+)/binlog/([^/]+)/(\d{8})/(\d{20})-(\d{20})\.zst$")


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def fetch(store, key):
    if store.path:
        return (store.path / key).read_bytes()
    key = key if key.startswith("backups/") else "backups/" + key
    return store.client.get_object(Bucket=store.bucket, Key=key)["Body"].read()


def histories(store, source="s"):
    """The documents of a source's histories, oldest first."""
    return [json.loads(fetch(store, k)) for k in store.keys() if f"sources/{source}/histories/" in k]


def unzstd(data):
    return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=True).stdout


class Hole(AssertionError):
    pass


def unpack(store, key):
    return unzstd(fetch(store, key))


def archived(store, history=None, source="s", unpack=unpack):
    """Bytes of each archived file of a history (else the newest), by name."""
    history = history or histories(store, source)[-1]
    files = {}
    for key in store.keys():
        found = SEGMENT.search(key)
        if found and found[1] == source and found[2] == history["id"]:
            files.setdefault(int(found[3]), []).append((int(found[4]), -int(found[5]), key))
    base, number = history["first_file"].rsplit(".", 1)
    out = {}
    for seq, segments in files.items():
        data = b""
        for begin, end, key in sorted(segments):
            if begin > len(data):
                raise Hole(f"a hole before {key}")
            part = unpack(store, key)
            assert len(part) == -end - begin, key
            assert data[begin:-end] == part[:len(data) - begin], f"{key}: overlapping bytes differ"
            data += part[len(data) - begin:]
        out[f"{base}.{int(number) + seq - 1:06d}"] = data
    return out


def holds(store, server, name):
    """Is all of a server's file there?  Several segments are on their way at once."""
    try:
        return archived(store).get(name) == on_disk(server, name)
    except Hole:
        return False


def finished(store, history=None, source="s"):
    """What files/ says, by name, for a history, else the newest."""
    history = history or histories(store, source)[-1]
    out = {}
    for key in store.keys():
        if f"sources/{source}/files/{history['id']}-" in key:
            for f in json.loads(fetch(store, key))["files"]:
                out[f["name"]] = f
    return out


def objects(store, f, history, source="s"):
    """A finished file's bytes from its objects, each checked."""
    data = b""
    for o in f["objects"]:
        key = f"sources/{source}/binlog/{history['id']}/{f['seq']:08d}/{o['start']:020d}-{o['end']:020d}.zst"
        stored = fetch(store, key)
        assert len(stored) == o["size"] and hashlib.sha256(stored).hexdigest() == o["sha256"]
        assert o["start"] == len(data)
        data += unzstd(stored)
        assert o["end"] == len(data)
    return data


def index(store, f, history, source="s"):
    lines = unzstd(fetch(store, f"sources/{source}/index/{history['id']}-{f['seq']:08d}.ndjson.zst")).splitlines()
    return [json.loads(line) for line in lines]


def on_disk(server, name):
    """A file of the server, as it is once it is closed."""
    data = bytearray((server.dir / "data" / name).read_bytes())
    data[4 + 17] &= 0xfe        # the flag that it is in use
    return bytes(data)


def raw(server, names, folder):
    """The files as the server's own tool fetches them."""
    subprocess.run([*server.binlog_tool(), "--no-defaults", "--read-from-remote-server", "--raw", f"--result-file={folder}/",
                    f"--socket={server.socket}", "--user=root", *names], check=True, timeout=120,
                   stdin=subprocess.DEVNULL, capture_output=True)
    return {n: (pathlib.Path(folder) / n).read_bytes() for n in names}


def clone(server, ident, options=(), uuid=False):
    """Another server with a copy of this one's files; stopped in between.  uuid: it keeps its name."""
    server.stop()
    other = object.__new__(Server)
    other.__dict__.update(server.__dict__)
    other.name, other.ident = f"{server.name}-{ident}", ident
    other.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"kura-{server.kind}-clone-"))
    (other.dir / "tmp").mkdir()
    shutil.copytree(server.dir / "data", other.dir / "data")
    if not uuid:
        (other.dir / "data/auto.cnf").unlink(missing_ok=True)
    other.port = free_port()
    other.socket = str(other.dir / "mysql.sock")
    other.options = [o.replace(str(server.dir), str(other.dir)) for o in server.options] + [*options]
    server.start()
    return other


def logs(server):
    return [row[0] for row in server.sql("SHOW BINARY LOGS")]
