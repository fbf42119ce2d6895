#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh [--s3] [--mysql]: back up a throw-away server while it is written to,
# restore into a second one, and prove the two equal. Everything is removed again.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
bin=$top/build/release/bin
kind=mariadb s3=no
for arg in "$@"; do
	case $arg in
		--s3) s3=yes ;;
		--mysql) kind=mysql ;;
		*) echo "demo: unknown option $arg" >&2; exit 2 ;;
	esac
done
work=$(mktemp -d -t kura-demo-XXXXXX)
script=$top/tests/servers/$kind.sh
root=/
[ $kind = mariadb ] || root=${KURA_MYSQL_ROOT:-$HOME/.cache/kura/mysql-9.7}
writer=

cleanup() {
	trap - EXIT INT TERM
	[ -z "$writer" ] || kill "$writer" 2> /dev/null || true
	local name
	for name in source target replica; do
		[ ! -d "$work/$name" ] || "$script" stop "$work/$name" || true
	done
	[ ! -d "$work/rgw" ] || "$top/tests/servers/rgw.sh" stop "$work/rgw" || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
sql() { local name=$1; shift; mariadb --no-defaults -uroot -S "$work/$name/mysql.sock" -N "$@"; }
run() { printf '$ %s' "$(basename "$1")"; printf ' %s' "${@:2}"; printf '\n'; "$@"; }

server() { # NAME ID
	if [ $kind = mysql ]; then "$script" fetch "$root"; fi
	mkdir -p "$work/$1"
	"$script" init "$root" "$work/$1" > /dev/null 2>&1
	"$script" start "$root" "$work/$1" "$(port)" "$2" --innodb-flush-log-at-trx-commit=0 --sync-binlog=0 \
		--innodb-buffer-pool-size=256M
}

say "Three throw-away $kind servers: a source, a target, and a replica that will be the judge"
server source 1
server target 2
server replica 3
sql source -e "CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'demo'; GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'"

say "Some 200 MB of data"
sql source << 'EOS'
CREATE DATABASE shop;
USE shop;
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL, state ENUM('new','paid','sent') NOT NULL,
  price DECIMAL(10,2), note VARCHAR(200), made TIMESTAMP(3) NULL, KEY customer (customer));
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(60), score FLOAT, photo BLOB);
CREATE TABLE log (t TEXT);
CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';
CREATE TABLE digits (d INT PRIMARY KEY);
INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
INSERT INTO orders (customer, state, price, note, made)
  SELECT a.d*1000+b.d*100+c.d*10+d.d, 1 + (e.d + f.d) % 3, RAND()*1000, CONCAT(SHA2(RAND(), 256), SHA2(RAND(), 256)),
    '2026-01-01' FROM digits a, digits b, digits c, digits d, digits e, digits f;
INSERT INTO customers SELECT a.d*1000+b.d*100+c.d*10+d.d, SHA2(RAND(), 224), RAND()*100, UNHEX(SHA2(RAND(), 512))
  FROM digits a, digits b, digits c, digits d;
INSERT INTO log SELECT note FROM orders LIMIT 100000;
EOS

store="file://$work/store"
options=()
if [ $s3 = yes ]; then
	say "A Ceph RADOS gateway as S3"
	gateway=$(port)
	mkdir -p "$work/rgw"
	export AWS_ACCESS_KEY_ID=kurakurakurakurakura AWS_SECRET_ACCESS_KEY=kurasecretkurasecretkurasecretkurasecret
	unset AWS_CA_BUNDLE AWS_PROFILE
	"$top/tests/servers/rgw.sh" start "$work/rgw" "$gateway" $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY
	/usr/bin/python3 -c "import boto3; boto3.client('s3', endpoint_url='http://127.0.0.1:$gateway', region_name='us-east-1').create_bucket(Bucket='demo')"
	store=s3://demo/backups
	options=("--s3-endpoint=http://127.0.0.1:$gateway")
fi
export KURA_STORE=$store

say "Writes go on from here"
while :; do
	sql source shop -e "INSERT INTO orders (customer, state, price) VALUES (1, 'new', 1);
		UPDATE customers SET score = score + 1 WHERE id = 7; DELETE FROM log LIMIT 1" || exit 0
done > /dev/null 2>&1 &
writer=$!

say "Back it up"
run "$bin/backupd" run demo "${options[@]}" --socket="$work/source/mysql.sock" --user=root
kill $writer 2> /dev/null; wait $writer 2> /dev/null || true
writer=

say "What the store holds, and that it is whole"
run "$bin/catalog" list "${options[@]}"
run "$bin/catalog" show demo/latest "${options[@]}"
run "$bin/catalog" verify demo/latest "${options[@]}"

say "Bring it back elsewhere, and read it back"
run "$bin/restore" run demo "${options[@]}" --socket="$work/target/mysql.sock" --user=root --yes --check

say "The judge: a real replica, stopped exactly where the backup stands"
"$bin/catalog" show demo/latest --json "${options[@]}" > "$work/head.json"
coordinate() { /usr/bin/python3 -c "import json; print(json.load(open('$work/head.json'))['coordinates']['$1'])"; }
file=$(coordinate file) position=$(coordinate position)
source_port=$(sql source -e 'SELECT @@port')
first=$(sql source -e 'SHOW BINARY LOGS' | head -1 | cut -f1)
if [ $kind = mariadb ]; then
	sql replica -e "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=$source_port, MASTER_USER='repl',
		MASTER_PASSWORD='demo', MASTER_LOG_FILE='$first', MASTER_LOG_POS=4;
		START SLAVE UNTIL MASTER_LOG_FILE='$file', MASTER_LOG_POS=$position; SELECT MASTER_POS_WAIT('$file', $position, 300)" > /dev/null
else
	sql replica -e "RESET BINARY LOGS AND GTIDS; CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=$source_port,
		SOURCE_USER='repl', SOURCE_PASSWORD='demo', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1;
		START REPLICA UNTIL SQL_AFTER_GTIDS='$(coordinate gtid)'; SELECT WAIT_FOR_EXECUTED_GTID_SET('$(coordinate gtid)', 300)" > /dev/null
fi
"$top/tests/tools/compare" --a "socket=$work/replica/mysql.sock" --b "socket=$work/target/mysql.sock" &&
	echo "equal: every definition and every row"

cat << EOF

Try next on a server of your own:
  $bin/backupd grants --for=$kind
  $bin/backupd run NAME --socket=... --user=... --store=file:///some/directory
  man $top/man/backupd.8
EOF
