// Texts as the contract wants them: bounded in bytes, and nothing in them that a terminal obeys.

const LONGEST = 1000;

/** How many bytes a text has in UTF-8. */
export function bytes(text) {
  let count = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x800) count += 2;
    else if (unit >= 0x80) count += 1;
    // Two units of UTF-16 are four bytes; each was counted as three.
    if (unit >= 0xdc00 && unit <= 0xdfff) count -= 2;
  }
  return count;
}

/** The start of a text, at most so many bytes, without cutting a character in two. */
export function cut(text, most) {
  if (bytes(text) <= most) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    used += bytes(character);
    if (used > most) break;
    kept += character;
  }
  return kept;
}

/** A text that can leave the component: half a pair of UTF-16 is no character. */
export function whole(text) {
  // A pair is one character: with `u` only halves are found.
  return String(text).replace(/[\ud800-\udfff]/gu, '\ufffd');
}

/** A text of at most so many bytes, without characters that could fake a line or a colour. */
export function plain(text, most) {
  const shown = whole(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
  return bytes(shown) <= most ? shown : `${cut(shown, most - 3)}…`;
}

/** A text of the contract's length, without characters that could fake a line or a colour. */
export function sentence(text) {
  return plain(text, LONGEST);
}
