/**
 * Writes a file so that it is either the old one or the new one, whatever happens meanwhile: a copy beside it, which takes its place
 * when it is whole. Parts of a script, after `aboutPath`.
 */

/** `copy`: where the new content goes. It begins as a copy, for its mode. A link is followed: the file
 * that it names is replaced. A file that may be written in a directory that may not is written in place: there is no other way. */
export const openCopy = `if [ -h "$f" ]; then
  f=$(readlink -f "$f" && echo .) || fail "$name is a link that leads nowhere."
  f=\${f%??}
fi
[ ! -e "$f" ] || [ -w "$f" ] || fail "$name is read-only."
dir=\${f%/*}/
beside=1
copy=$dir.longhaul-$$
[ -w "$dir" ] || { beside=; copy=\${TMPDIR:-/tmp}/longhaul-$$; }
[ -w "$dir" ] || [ -e "$f" ] || fail "The directory of $name may not be written."
trap 'rm -f "$copy"' EXIT
[ ! -e "$f" ] || cp -p "$f" "$copy" || exit 1`

export const placeCopy = `if [ "$beside" ]; then mv -f "$copy" "$f"; else cat "$copy" >"$f"; fi || exit 1`
