# Fetches one commit into the folder `repository` of the working folder, where the platform finds it.
# Arguments: <url> <commit> <host:port:address, or empty> <CA file, or empty> <cap on the whole, kB>
# Nothing of the arguments is ever part of a command's text, and git is told where options end.
set -u
url=$1 commit=$2 pin=$3 ca=$4 cap=$5
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ASKPASS= SSH_ASKPASS= GIT_LFS_SKIP_SMUDGE=1
git init --quiet --initial-branch=main repository || exit 1
cd repository || exit 1

# A small pack may unpack into any amount.
main=$$
(
  while sleep 1; do
    [ "$(du -sk . | cut -f1)" -le "$cap" ] || { echo "it is larger than $cap kB" >&2; kill -s KILL "$main"; exit; }
  done
) &
watch=$!

git() {
  command git -c protocol.allow=never -c protocol.https.allow=always -c http.followRedirects=false -c credential.helper= \
    -c core.hooksPath=/dev/null -c submodule.recurse=false -c transfer.bundleURI=false -c http.lowSpeedLimit=1000 -c http.lowSpeedTime=60 \
    ${pin:+-c "http.curloptResolve=$pin"} ${ca:+-c "http.sslCAInfo=$ca"} "$@"
}

# Not every server gives out a commit by name: then all branches and tags are fetched, and it must be among them.
git fetch --quiet --no-tags --no-recurse-submodules --depth=1 -- "$url" "$commit" ||
  git fetch --quiet --no-recurse-submodules -- "$url" '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*' || exit 1
git checkout --quiet --no-recurse-submodules -B main "$commit" -- || exit 1
git remote add -- origin "$url" || exit 1
kill "$watch" 2>/dev/null
exit 0
