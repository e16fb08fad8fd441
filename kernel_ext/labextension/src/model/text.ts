/** Text that grows at its end and is cut at its start. */

/** `text` and what came after it, at most the last `lines` lines. */
export function appended(text: string, more: string, lines: number): string {
  const all = text + more;
  let at = all.endsWith('\n') ? all.length - 1 : all.length;
  for (let count = 0; count < lines; count += 1) {
    at = all.lastIndexOf('\n', at - 1);
    if (at < 0) {
      return all;
    }
  }
  return all.slice(at + 1);
}

/** `name`, `name_2`, `name_3`: the first that is not `taken`. */
export function free(name: string, taken: ReadonlySet<string>): string {
  let number = 1;
  const numbered = () => (number === 1 ? `${name}.ipynb` : `${name}_${number}.ipynb`);
  while (taken.has(numbered())) {
    number += 1;
  }
  return numbered();
}
