#!/bin/sh
# Runs as root inside the image, the last step of both ways to build it: the user that agents run as, and their workspace.
set -eu
groupadd --gid 10001 agent
useradd --uid 10001 --gid 10001 --create-home --home-dir /home/agent --shell /bin/bash agent
# With the folder for calls, which a container of another image is given when it starts for the first time.
mkdir -p /workspace /run/longhaul/calls
chown agent:agent /workspace /run/longhaul/calls
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/*.log /var/log/apt
# A container has no boot-time secrets of ours: what the build machine left is emptied.
: >/etc/machine-id
for tool in sh base64 mkdir mkfifo cat head tail rm setsid git curl python3 pip3 node npm rg jq make; do
  command -v "$tool" >/dev/null || { echo "the image lacks $tool" >&2; exit 1; }
done
