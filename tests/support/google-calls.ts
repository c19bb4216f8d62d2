import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../src/foundation';

export interface GoogleCall {
  /** `Class.method` of the client library. */
  readonly method: string;
  /** File and line, from the root. */
  readonly at: string;
}

const ROOMS = ['src', 'activities', 'workers'];
const CLIENT = /node_modules\/(@google-cloud\/[^/]+|google-gax)\//;

function filesUnder(folder: string): string[] {
  return readdirSync(path.join(packageRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(name) : name.endsWith('.ts') ? [name] : [];
  });
}

/** Folders in which a file names one of Google's client libraries: who is handed a client sits there too. */
function folders(): string[] {
  const naming = ROOMS.flatMap(filesUnder).filter((file) =>
    readFileSync(path.join(packageRoot, file), 'utf8').includes("'@google-cloud/"),
  );
  return [...new Set(naming.map((file) => path.dirname(file)))];
}

/** Every call, in what runs in production, of something that one of Google's client libraries declares: by the compiler's types, so that no name is missed. */
export function googleCalls(): GoogleCall[] {
  const roots = folders().flatMap((folder) =>
    readdirSync(path.join(packageRoot, folder))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.join(packageRoot, folder, name)),
  );
  const { config } = ts.readConfigFile(path.join(packageRoot, 'tsconfig.json'), (file) =>
    ts.sys.readFile(file),
  ) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, packageRoot);
  const program = ts.createProgram(roots, { ...options, noEmit: true, incremental: false, composite: false });
  const checker = program.getTypeChecker();
  const calls: GoogleCall[] = [];
  for (const root of roots) {
    const source = program.getSourceFile(root)!;
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node)) {
        const declared = checker.getResolvedSignature(node)?.getDeclaration() as ts.Declaration | undefined;
        if (declared && CLIENT.test(declared.getSourceFile().fileName)) {
          const owner = declared.parent as { name?: ts.Node };
          const name = (declared as { name?: ts.Node }).name?.getText() ?? '?';
          const { line } = source.getLineAndCharacterOfPosition(node.getStart());
          calls.push({
            method: `${owner.name?.getText() ?? '?'}.${name}`,
            at: `${path.posix.relative(packageRoot, root)}:${line + 1}`,
          });
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return calls;
}
