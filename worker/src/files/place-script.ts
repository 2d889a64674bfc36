import { quote } from '../tools/shell-text.ts'

/** Exit code of what the workspace has no place for; anything else that is not 0 is a failure. */
export const NO_PLACE = 3

/*
 * Both run as the agent's user, in its own file system: nothing lands where the agent could not write. A folder on the way that is a
 * link leads elsewhere, so there is no place behind it. All is looked at before anything is changed, and each file appears whole, by a
 * rename.
 */

/** Puts the bytes at `lent` where `path` says, below the workspace. */
export const placeFileScript = ({ path, lent, scratch }: { path: string; lent: string; scratch: string }): string => {
  const names = path.split('/')
  const folders = names.slice(0, -1).map((_, at) => names.slice(0, at + 1).join('/'))
  return `cd "$WORKSPACE" || exit 1
no() { printf '%s' "$1"; exit ${NO_PLACE}; }
for at in ${folders.map(quote).join(' ')}; do
  [ ! -L "./$at" ] || no "/workspace/$at is a link"
  [ ! -e "./$at" ] || [ -d "./$at" ] || no "/workspace/$at is not a folder"
done
at=${quote(path)}
if [ -d "./$at" ] && [ ! -L "./$at" ]; then no "/workspace/$at is a folder"; fi
part=${quote(`${scratch}.part`)}
rm -rf "$part"
cat ${quote(lent)} >"$part" || { rm -f "$part"; exit 1; }
chmod 644 "$part"
${folders.length > 0 ? `mkdir -p -- ${quote(`./${folders.at(-1)}`)} || exit 1` : ':'}
[ ! -L "./$at" ] || rm -f -- "./$at"
mv -f -- "$part" "./$at"`
}

/** Lays the tar of ours at `lent`, names from the workspace on, over what is there. A folder that is not there yet comes by one rename. */
export const placeFolderScript = ({ lent, scratch }: { lent: string; scratch: string }): string => `
no() { printf '%s' "$1"; rm -rf "$part"; exit ${NO_PLACE}; }
part=${quote(`${scratch}.part`)}
rm -rf "$part"
mkdir "$part" && tar -xf ${quote(lent)} -C "$part" && cd "$part" || { rm -rf "$part"; exit 1; }
chmod 755 .
find . ! -name . -type d | while IFS= read -r at; do
  [ ! -L "$WORKSPACE/$at" ] || { printf '%s' "/workspace/\${at#./} is a link"; exit ${NO_PLACE}; }
  [ ! -e "$WORKSPACE/$at" ] || [ -d "$WORKSPACE/$at" ] || { printf '%s' "/workspace/\${at#./} is not a folder"; exit ${NO_PLACE}; }
done || no ""
find . ! -type d | while IFS= read -r at; do
  [ -L "$WORKSPACE/$at" ] || [ ! -d "$WORKSPACE/$at" ] || { printf '%s' "/workspace/\${at#./} is a folder"; exit ${NO_PLACE}; }
done || no ""
find . ! -name . -type d >"$part.list"
while IFS= read -r at; do
  [ -d "$at" ] || continue
  [ -e "$WORKSPACE/$at" ] || mv -- "$at" "$WORKSPACE/$at" || exit 1
done <"$part.list"
find . ! -type d >"$part.list"
while IFS= read -r at; do
  [ ! -L "$WORKSPACE/$at" ] || rm -f -- "$WORKSPACE/$at"
  mv -f -- "$at" "$WORKSPACE/$at" || exit 1
done <"$part.list"
cd / && rm -rf "$part" "$part.list"`
