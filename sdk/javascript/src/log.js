// Lines for the server's log. Every plug-in may write them.

import { log as write } from '#log';

export const log = {
  debug: (text) => write('debug', String(text)),
  info: (text) => write('info', String(text)),
  warning: (text) => write('warning', String(text)),
  error: (text) => write('error', String(text)),
};
