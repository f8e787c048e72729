// Paths on devices, as settings hold them.

/**
 * Finds what makes a path unusable, whatever it is for: it is relative, holds `.` or `..` parts, or
 * a control character. True if it is usable. `place` says where it stands in the settings.
 */
export function checkPath(path, place, findings) {
  const found = (code, text) => {
    findings.error(place, code, text, { path });
    return false;
  };
  if (!path.startsWith('/')) {
    return found('path-relative', `${JSON.stringify(path)} is a relative path; write it from / on.`);
  }
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) {
    return found('path-control-character', 'The path holds a line break or another control character.');
  }
  if (path.split('/').some((part) => part === '.' || part === '..')) {
    return found('path-not-plain', `${JSON.stringify(path)} holds . or .. parts; write where it leads.`);
  }
  return true;
}

/** A path without the slashes at its end; empty for the root. */
export function barePath(path) {
  return path.replace(/\/+$/, '');
}

/** Whether `path` is `folder`, or lies below it. */
export function isWithin(path, folder) {
  const [inner, outer] = [barePath(path), barePath(folder)];
  return inner === outer || inner.startsWith(`${outer}/`);
}
