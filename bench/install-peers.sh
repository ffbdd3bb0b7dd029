#!/bin/sh
# Gets what the benchmarks compare with from Debian, as root. Those that would start services of their own are only unpacked,
# into build/peers, where the benchmarks find them and start them for themselves.
set -eu
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
  podman runc skopeo umoci bubblewrap docker-registry uidmap curl gcc libc6-dev fuse-overlayfs >/dev/null
mkdir -p build/peers/packages
cd build/peers/packages
# crun's libraries come with it.
apt-get download -qq docker.io containerd tini crun libyajl2
for package in *.deb; do dpkg -x "$package" ..; done
