// What the SDK promises of texts, places and failures, in Node.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { written } from '../src/contract.js';
import { checkPath, cut, event, failed, Findings, isWithin, plugin, pointer, run, sentence, Unsupported, warning } from 'muster-sdk';
import { bounded } from '../src/outcome.js';
import { bytes } from '../src/text.js';

const linux = { platform: 'linux', architecture: 'x86_64', facts: [], devices: 1 };

function withTask(functions) {
  const task = { id: 'task', title: 'T', summary: 'T.', kinds: ['local'], settings: {}, examples: [], timeLimit: 1 };
  return plugin({
    application: 'org.example.test',
    name: 'Test',
    vendor: 'Test',
    version: '1.0.0',
    manages: '*',
    taskTypes: [{ ...task, translate: () => run('x'), ...functions }],
  });
}

/** What a function throws instead of an answer. */
function thrown(act) {
  try {
    act();
  } catch (failure) {
    return failure;
  }
  return assert.fail('it answered');
}

test('pointers escape what RFC 6901 says', () => {
  assert.equal(pointer('paths', 3), '/paths/3');
  assert.equal(pointer('a/b', 'm~n'), '/a~1b/m~0n');
  assert.equal(pointer(), '');
});

test('texts keep to the contract', () => {
  assert.equal(bytes('aä€😀'), 1 + 2 + 3 + 4);
  assert.equal(cut('ää', 3), 'ä');
  const long = failed('ä'.repeat(1000)).summary;
  assert.ok(bytes(long) <= 1000 && long.endsWith('ä…'));
  assert.equal(sentence('a\u001b[31m\nb\ud800c😀'), 'a\ufffd[31m\ufffdb\ufffdc😀');
});

test('what quotes a long setting is cut', () => {
  const long = 'ä'.repeat(5000);
  const [found] = new Findings().error(['a'], 'a-long', `${long} is long.`, { a: `${long}\ud800` }).all;
  assert.ok(bytes(found.text) <= 4000 && found.text.endsWith('ä…'));
  assert.ok(bytes(found.params[0][1]) <= 4000);
  assert.equal(new Findings().error('', 'a-odd', '\u0001\ud800').all[0].text, '\ufffd\ufffd');
});

test('no more than a server takes are answered, and errors come first', () => {
  const { validate } = withTask({
    validate(_settings, findings) {
      for (let number = 0; number < 1200; number += 1) findings.notice([number], 'odd', 'It is odd.');
      findings.error(['last'], 'wrong', 'It is wrong.');
    },
  });
  const { findings } = validate.validate('task', '{}');
  assert.deepEqual([findings.length, findings[0].pointer, findings[1].pointer], [1000, '/last', '/0']);
  assert.equal(findings.at(-1).text, '202 more findings are left out.');
});

test('an answer keeps its bounds however much was found', () => {
  const one = event('x', 'y'.repeat(900), { file: 'z'.repeat(4000) });
  const outcome = bounded(warning('Found.').with(Array(9000).fill(one)), 2);
  assert.ok(outcome.events.length < 400);
  assert.match(outcome.summary, /of 9000 events are told\.\)$/);
  assert.equal(bounded(warning('Found.').with([event('x', 'y')]), 1000).events.length, 1);
});

test('paths that lead elsewhere are found, with their place', () => {
  const findings = new Findings();
  for (const path of ['srv', '/a/../b', '/a\nb', '/srv']) checkPath(path, ['paths', 0], findings);
  assert.deepEqual(
    findings.all.map(({ code, pointer: place }) => [code, place]),
    [
      ['path-relative', '/paths/0'],
      ['path-not-plain', '/paths/0'],
      ['path-control-character', '/paths/0'],
    ],
  );
  assert.ok(isWithin('/srv/a', '/srv/') && !isWithin('/srv2', '/srv') && isWithin('/a', '/'));
});

test('settings that are no object, and unknown task types, are refused and do not trap', () => {
  const { validate, translate } = withTask({});
  for (const text of ['', '[]', 'null', '{', '"x"']) {
    const refused = thrown(() => validate.validate('task', text));
    assert.equal(refused.tag, 'invalid', text);
    assert.deepEqual(translate.translate('task', text, [linux]), [{ tag: 'err', val: refused }]);
  }
  assert.deepEqual(thrown(() => validate.validate('none', '{}')), { tag: 'unknown-task-type' });
  const [answer] = translate.translate('none', '{}', [linux]);
  assert.deepEqual(answer, { tag: 'err', val: { tag: 'unknown-task-type' } });
});

test('an exception becomes an answer with its text', () => {
  const { validate } = withTask({
    validate() {
      throw new TypeError('odd');
    },
  });
  assert.deepEqual(thrown(() => validate.validate('task', '{}')), { tag: 'internal', val: 'The plug-in failed: TypeError: odd' });
});

test('a profile that is not supported spoils no other', () => {
  const { translate } = withTask({
    translate(_settings, { platform }) {
      if (platform !== 'linux') throw new Unsupported('No.');
      return run('x', 1);
    },
  });
  const answers = translate.translate('task', '{}', [{ ...linux, platform: 'macos' }, linux]);
  assert.deepEqual(answers[0], { tag: 'err', val: { tag: 'unsupported', val: 'No.' } });
  assert.deepEqual(written(answers[1].val).steps[0].arguments, [{ literal: '1' }]);
});

test('only what a task type has is exported', () => {
  assert.deepEqual(Object.keys(withTask({})), ['describe', 'validate', 'translate']);
  assert.ok('interpret' in withTask({ interpret: () => warning('x') }));
  const { migrate } = withTask({ migrate: (settings, from) => ({ ...settings, from }) });
  assert.equal(migrate.migrate('task', 3, '{"a":1}'), '{"a":1,"from":3}');
});

test('the template pins what the SDK pins', () => {
  const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
  const sdk = JSON.parse(read('../package.json'));
  const template = JSON.parse(read('../template/package.json.template'));
  assert.equal(template.devDependencies.typescript, sdk.devDependencies.typescript);
});
