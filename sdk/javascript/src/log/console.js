// In tests under Node: lines go to standard error.

export function log(level, text) {
  console.error(`${level}: ${text}`);
}
