// Choosing the model, and getting it first where it is not here yet.

import { ConfigurationTarget, type QuickPickItem, window } from 'vscode';

import { configuration } from './configuration';
import type { Model } from './protocol';
import type { Session } from './session';

interface Choice extends QuickPickItem {
  model: Model;
}

/** Lets the user choose; the choice goes into the user's settings, and the server follows them. */
export async function chooseModel(session: Session): Promise<void> {
  const models = await session.execute<Model[]>('midfill.models');
  const options = { title: 'Model of midfill', placeHolder: 'Models run on this machine', matchOnDetail: true };
  const choice = await window.showQuickPick(models.map(choiceOf), options);
  if (!choice || choice.model.active) return;
  const { name, installed } = choice.model;
  if (!installed && !(await pullModel(session, name))) return;
  await configuration().update('model', name, ConfigurationTarget.Global);
  // A workspace may name another one in its settings; the choice stands above that for now.
  if (configuration().get('model') !== name) await session.execute('midfill.selectModel', name);
}

/** Has the server ask the user and download a model. Says whether it is here now. */
export async function pullModel(session: Session, name: string): Promise<boolean> {
  return Boolean(await session.execute('midfill.pullModel', name));
}

/** Where the model of the settings is not here, has the server offer it. */
export async function offerActiveModel(session: Session): Promise<void> {
  const models = await session.execute<Model[]>('midfill.models');
  const missing = models.find(({ active, installed }) => active && !installed);
  if (missing) await pullModel(session, missing.name);
}

function choiceOf(model: Model): Choice {
  const size = model.bytes >= 1e9 ? `${(model.bytes / 1e9).toFixed(1)} GB` : `${Math.round(model.bytes / 1e6)} MB`;
  const where = model.active ? 'in use' : model.installed ? 'here' : 'to be downloaded';
  return {
    model,
    label: `$(${model.active ? 'check' : model.installed ? 'circle-outline' : 'cloud-download'}) ${model.name}`,
    description: `${size}, ${where}`,
    detail: [model.description, model.licence && `licence: ${model.licence}`].filter(Boolean).join('; '),
  };
}
