#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# try_image.sh PACKAGE [BUILD_DIR]: builds the container image of the package on a clean Debian root (no registry is
# asked) and looks whether a node could work in it; with the programs of BUILD_DIR it earns on a network there. Needs root, podman, runc and mmdebstrap; leaves nothing behind.
set -euo pipefail
package=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
podman() { command podman --root "$work/root" --runroot "$work/run" --storage-driver vfs "$@"; }
cleanup() {
    podman rmi --all --force > /dev/null 2>&1 || true
    rm -rf "$work"
}
trap cleanup EXIT
cat > "$work/containers.conf" <<'CONF'
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
CONF
export CONTAINERS_CONF="$work/containers.conf"
mmdebstrap --quiet --variant=apt --include=ca-certificates bookworm "$work/base.tar" > /dev/null
podman import --quiet "$work/base.tar" vcity-base > /dev/null
mkdir "$work/context"
cp "$package" "$work/context/"
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > "$work/policy.json"
podman build --quiet --network host --security-opt seccomp=unconfined --signature-policy "$work/policy.json" \
    --build-arg BASE=localhost/vcity-base --build-arg PACKAGE="$(basename "$package")" -t vcity \
    -f "$here/Containerfile" "$work/context" > /dev/null
podman images --format '{{.Repository}} {{.Size}}'
podman run --rm --network host vcity --version
podman run --rm --network host --device /dev/fuse --security-opt unmask=ALL --security-opt seccomp=unconfined vcity \
    -o table node doctor
if [ -n "${2:-}" ]; then
    python3 "$here/try_deb.py" "$package" "$2" --storage "$work/root" \
        --podman "podman --root $work/root --runroot $work/run --storage-driver vfs"
fi
