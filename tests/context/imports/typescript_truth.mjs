// node typescript_truth.mjs TYPESCRIPT_FOLDER PROJECT_FOLDER < FILES: one JSON line a file, [path, [[specifier, path or null]...]].
// TypeScript's own answers, with the options of the nearest tsconfig.json.
import { createRequire } from "node:module";
import * as path from "node:path";
import * as fs from "node:fs";

const [, , typescript, project] = process.argv;
const ts = createRequire(import.meta.url)(path.resolve(typescript));
const root = fs.realpathSync(project);
const options = new Map();

function optionsOf(folder) {
  if (!options.has(folder)) {
    const found = ts.findConfigFile(folder, ts.sys.fileExists);
    const config = found && found.startsWith(root) ? ts.readConfigFile(found, ts.sys.readFile).config : {};
    const parsed = ts.parseJsonConfigFileContent(config, ts.sys, found ? path.dirname(found) : folder).options;
    // One mode for all projects: what their own build would do with Node's oldest resolution is not the question.
    options.set(folder, { ...parsed, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
      allowJs: true, resolveJsonModule: true });
  }
  return options.get(folder);
}

for (const file of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const full = path.join(root, file);
  const imported = ts.preProcessFile(fs.readFileSync(full, "utf8"), true, true).importedFiles;
  const answers = imported.map(({ fileName }) => {
    const found = ts.resolveModuleName(fileName, full, optionsOf(path.dirname(full)), ts.sys).resolvedModule;
    const target = found && fs.realpathSync(found.resolvedFileName);
    const inside = target && target.startsWith(root + path.sep) && !target.slice(root.length).includes("/node_modules/");
    return [fileName, inside ? target.slice(root.length + 1) : null];
  });
  console.log(JSON.stringify([file, answers]));
}
