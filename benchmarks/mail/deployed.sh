# Starts what a deploy puts on a host: the release, unpacked and compiled as provision/release.py has it done.
set -eu
RELEASE=/opt/letterbox/current
PORT=$1
shift
umask 022
mkdir -p $RELEASE
tar -xzf /peers/release.tar.gz -C $RELEASE --no-same-owner
python3 -m compileall -q --invalidation-mode unchecked-hash $RELEASE/lib
exec $RELEASE/bin/letterbox serve --config /peers/letterbox.toml --listen "127.0.0.1:$PORT" "$@"
