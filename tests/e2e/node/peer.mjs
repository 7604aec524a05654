// A language client on the reference implementation of the protocol, which shares no code with the server.
// Runs the checks below against a server and prints one line of JSON for each: { check, ok, ...what was seen }.
//
//     node peer.mjs PYTHON [ARGUMENT...]      the command line of the server

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import * as lsp from 'vscode-languageserver-protocol/node';

const TIMEOUT_MS = 60_000;
const URI = 'file:///workspace/a.py';
const TEXT = 'def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return a - b\n\n\ndef multiply(a, b):\n    return';
const END = { line: 9, character: 10 };
// As long as a prompt may be, so that the model reads for a while.
const LONG_TEXT = Array.from({ length: 400 }, (_, n) => `value_${n} = compute_something(${n}, "${n}")`).join('\n') + '\nx = ';
const LONG_END = { line: 400, character: 4 };

const server = spawn(process.argv[2], process.argv.slice(3), { stdio: ['pipe', 'pipe', 'pipe'] });
let stderr = '';
server.stderr.on('data', (data) => { stderr += data; });
const exited = new Promise((resolve) => server.on('exit', (code, signal) => resolve({ code, signal })));
const connection = lsp.createProtocolConnection(
  new lsp.StreamMessageReader(server.stdout), new lsp.StreamMessageWriter(server.stdin));

const seen = { statuses: [], messages: [], created: [], progress: {}, asked: [] };
let settings = { maxTokens: 'many', decodeBudgetMs: 30_000 };

connection.onNotification('midfill/status', (status) => seen.statuses.push(status));
connection.onNotification(lsp.ShowMessageNotification.type, (shown) => seen.messages.push(shown.message));
connection.onRequest(lsp.WorkDoneProgressCreateRequest.type, ({ token }) => {
  seen.created.push(token);
  seen.progress[token] = [];
  connection.onProgress(lsp.WorkDoneProgress.type, token, (value) => seen.progress[token].push(value.kind));
});
connection.onRequest(lsp.ConfigurationRequest.type, ({ items }) => {
  seen.asked.push(items.map((item) => item.section));
  return items.map(() => settings);
});
connection.onRequest(lsp.RegistrationRequest.type, () => null);

function report(check, ok, details = {}) {
  console.log(JSON.stringify({ check, ok: Boolean(ok), ...details }));
}

async function until(condition, what) {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!condition()) {
    if (Date.now() > deadline || server.exitCode !== null) {
      throw new Error(`waited in vain for ${what}; seen: ${JSON.stringify(seen)}; stderr: ${stderr}`);
    }
    await sleep(10);
  }
}

function ask(uri, position, token) {
  const context = { triggerKind: lsp.InlineCompletionTriggerKind.Automatic };
  return connection.sendRequest(lsp.InlineCompletionRequest.type, { textDocument: { uri }, position, context }, token);
}

function open(uri, text) {
  const textDocument = { uri, languageId: 'python', version: 1, text };
  return connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, { textDocument });
}

async function main() {
  connection.listen();
  const { capabilities, serverInfo } = await connection.sendRequest(lsp.InitializeRequest.type, {
    processId: process.pid,
    rootUri: null,
    workspaceFolders: [{ uri: 'file:///workspace', name: 'workspace' }],
    capabilities: {
      general: { positionEncodings: ['utf-16'] },
      textDocument: { inlineCompletion: { dynamicRegistration: false } },
      window: { workDoneProgress: true },
      workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } },
    },
  });
  report('initialize', capabilities.inlineCompletionProvider && capabilities.positionEncoding === 'utf-16', { capabilities, serverInfo });

  await connection.sendNotification(lsp.InitializedNotification.type, {});
  await open(URI, TEXT);
  const loading = await ask(URI, END);
  report('answer while the model loads', loading.items.length === 0, { loading });

  await until(() => seen.statuses.some(({ state }) => state === 'ready'), 'the model');
  const states = seen.statuses.map(({ state }) => state);
  report('status', states[0] === 'loading' && states.at(-1) === 'ready', { statuses: seen.statuses });

  const isOver = (kinds) => kinds.length === 0 || kinds.at(-1) === 'end'; // none is shown for what was over at once
  await until(() => seen.created.length > 0 && Object.values(seen.progress).every(isOver), 'the end of all progress');
  const kinds = Object.values(seen.progress).filter((each) => each.length > 0); // of the model, and of the index
  report('progress', kinds.length > 0 && kinds.every((each) => each[0] === 'begin'), { kinds });

  report('configuration is asked for', seen.asked.some((sections) => sections.includes('midfill')), { asked: seen.asked });
  await until(() => seen.messages.length > 0, 'the message about the bad setting');
  report('bad setting is named once', seen.messages.length === 1 && seen.messages[0].includes('maxTokens'), { messages: seen.messages });

  const { items } = await ask(URI, END);
  const [item] = items;
  report('inline completion', items.length === 1 && item.insertText.trim() && samePosition(item.range.start, END), { items });

  const accepted = await connection.sendRequest(lsp.ExecuteCommandRequest.type, item.command);
  report('accept', accepted === true, { accepted });

  // é is one unit of UTF-16 and 😀 two; the first line ends where the next begins.
  const line = 's = "é😀"; subtract(';
  const contentChanges = [{ range: { start: END, end: END }, text: ` a * b\n\n\n${line}` }];
  await connection.sendNotification(lsp.DidChangeTextDocumentNotification.type, { textDocument: { uri: URI, version: 2 }, contentChanges });
  const after = { line: 12, character: line.length };
  const far = await ask(URI, after);
  report('utf-16', far.items.length === 1 && samePosition(far.items[0].range.start, after), { items: far.items });

  await open('file:///workspace/long.py', LONG_TEXT);
  const cancelling = new lsp.CancellationTokenSource();
  const sent = Date.now();
  const pending = ask('file:///workspace/long.py', LONG_END, cancelling.token).then(() => 0, (error) => error.code);
  await until(() => seen.statuses.at(-1).state === 'busy', 'the model to begin');
  cancelling.cancel();
  const code = await pending;
  report('cancel', code === lsp.LSPErrorCodes.RequestCancelled, { code, ms: Date.now() - sent });
  await until(() => seen.statuses.at(-1).state === 'ready', 'the model to stop');
  report('model stops when cancelled', true, { ms: Date.now() - sent });

  const unknown = await connection.sendRequest('midfill/unknown', {}).then(() => 0, (error) => error.code);
  report('unknown method', unknown === lsp.ErrorCodes.MethodNotFound, { code: unknown });

  settings = { maxTokens: 48, disabledLanguages: ['python'] };
  await connection.sendNotification(lsp.DidChangeConfigurationNotification.type, { settings: null });
  await until(() => seen.asked.length === 2, 'the new settings to be asked for');
  let silent = await ask(URI, after);
  for (const deadline = Date.now() + TIMEOUT_MS; silent.items.length && Date.now() < deadline;) silent = await ask(URI, after);
  report('changed configuration', silent.items.length === 0 && seen.messages.length === 1, { items: silent.items, messages: seen.messages });

  await connection.sendRequest(lsp.ShutdownRequest.type);
  await connection.sendNotification(lsp.ExitNotification.type);
  const { code: exitCode, signal } = await exited;
  report('shutdown and exit', exitCode === 0, { exitCode, signal });
}

function samePosition(one, other) {
  return one.line === other.line && one.character === other.character;
}

main().then(() => process.exit(0), (error) => {
  console.error(error, stderr);
  server.kill('SIGKILL');
  process.exit(1);
});
