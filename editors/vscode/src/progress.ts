// Work of the server's that can be cancelled is shown as a notification with a button.
//
// vscode-languageclient shows all work in the status bar, where nothing can be cancelled.

import { ProgressLocation, window } from 'vscode';
import {
  type LanguageClient,
  type Middleware,
  type ProgressToken,
  type WorkDoneProgressBegin,
  WorkDoneProgressCancelNotification,
  type WorkDoneProgressReport,
} from 'vscode-languageclient/node';

interface Shown {
  report: (now: WorkDoneProgressBegin | WorkDoneProgressReport) => void;
  end: () => void;
}

/** A handler for the client's middleware. */
export function cancellableProgress(client: () => LanguageClient): NonNullable<Middleware['handleWorkDoneProgress']> {
  const shown = new Map<ProgressToken, Shown>();
  const cancel = (token: ProgressToken) =>
    void client().sendNotification(WorkDoneProgressCancelNotification.type, { token });
  return (token, params, next) => {
    if (params.kind === 'begin' && params.cancellable) {
      shown.set(token, show(params, () => cancel(token)));
      return;
    }
    const own = shown.get(token);
    if (own && params.kind === 'report') {
      own.report(params);
      return;
    }
    own?.end();
    shown.delete(token);
    next(token, params);
  };
}

function show(begin: WorkDoneProgressBegin, cancel: () => void): Shown {
  let reported = 0;
  let report: Shown['report'] = () => undefined;
  let end: Shown['end'] = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const options = { location: ProgressLocation.Notification, title: begin.title, cancellable: true };
  void window.withProgress(options, (progress, token) => {
    token.onCancellationRequested(cancel);
    report = ({ message, percentage = reported }) => {
      progress.report({ increment: percentage - reported, ...(message && { message }) });
      reported = percentage;
    };
    report(begin);
    return ended;
  });
  return { report: (now) => report(now), end };
}
