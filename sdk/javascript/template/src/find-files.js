// Finds files by their names.

import { cut, event, exitStatus, failed, lastStep, run, succeeded, trouble, Unsupported, warning } from 'muster-sdk';

/** @type {import('muster-sdk').TaskType<{ folder: string, name?: string }>} */
export const findFiles = {
  id: 'find-files',
  title: 'Find files',
  summary: 'Finds files by their names.',
  kinds: ['local', 'group', 'global'],
  // What an administrator sets. Forms are made from it, and servers check it first.
  settings: {
    type: 'object',
    properties: {
      folder: {
        type: 'string',
        title: 'Folder',
        description: 'Where to look, with all that is below.',
        minLength: 1,
        maxLength: 1000,
        pattern: '^[^\\u0000-\\u001f]+$',
      },
      name: {
        type: 'string',
        title: 'Name',
        description: 'Names of files; * stands for any characters.',
        minLength: 1,
        maxLength: 200,
        pattern: '^[^\\u0000-\\u001f]+$',
        default: '*',
      },
    },
    required: ['folder'],
    additionalProperties: false,
  },
  examples: [{ title: 'Logs', settings: { folder: '/var/log', name: '*.log' } }],
  timeLimit: 600,
  eventTypes: [
    {
      id: 'file-found',
      title: 'File found',
      severity: 'info',
      fields: {
        type: 'object',
        properties: { file: { type: 'string' } },
        required: ['file'],
        additionalProperties: false,
      },
    },
  ],

  // What the schema cannot say. Report everything at once.
  validate({ folder }, findings) {
    if (typeof folder !== 'string') return;
    if (!folder.startsWith('/')) {
      const text = 'The folder has to be given with its whole path, such as /var/log.';
      findings.error(['folder'], 'folder-not-absolute', text, { folder });
    }
    if (folder === '/') {
      findings.warning(['folder'], 'whole-device', 'The whole device is looked at, which may take long.');
    }
  },

  // The programs that a device runs. They are named here; the connector on the device says where they are.
  translate({ folder, name = '*' }, { platform }) {
    if (platform !== 'linux') {
      throw new Unsupported(`This plug-in knows Linux; the device's platform is ${platform}.`);
    }
    return (
      run('find', folder, '-xdev', '-type', 'f', '-name', name)
        .status(0, 0, 'succeeded')
        // Some folder could not be read.
        .status(1, 1, 'warning')
        .keepLines('^/', 100)
    );
  },

  // What a device's report means. A report is as true as the device that sent it.
  interpret(_settings, report) {
    const find = lastStep(report, 'find');
    const why = trouble(report);
    if (why !== undefined || find === undefined) return failed(why ?? 'The device did nothing.');
    const events = find.lines.map((line) => {
      const file = cut(line, 4000);
      return event('file-found', `${file} was found.`, { file });
    });
    const count = BigInt(find.lines.length) + find.linesLeftOut;
    const summary = `${count} ${count === 1n ? 'file' : 'files'} found.`;
    switch (exitStatus(find)) {
      case 0:
        return succeeded(summary).with(events);
      case 1:
        return warning(`${summary} Some folders could not be read.`).with(events);
      default:
        return failed(`find ended with ${exitStatus(find)}.`);
    }
  },
};
