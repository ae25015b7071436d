import { join } from 'node:path';
import ts from 'typescript';

const FOLDER = import.meta.dirname;
const OPTIONS: ts.CompilerOptions = {
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.esnext.d.ts'],
  types: [],
};

/** A type of a package of npm that an API's owner publishes. */
export interface PublishedType {
  /** Lines that import what the type is made of. */
  imports: string;
  type: string;
}

/**
 * What the compiler finds wrong with values where a published type is wanted: for each value a list, which is empty where
 * it has that type. A value is compared as a literal, so a field that the type does not know is an error.
 */
export const typeErrors = (values: readonly { value: unknown; as: PublishedType }[]): string[][] => {
  const sources = new Map(
    values.map(({ value, as }, i) => [
      join(FOLDER, `value-${i}.ts`),
      `${as.imports}\nexport const value: ${as.type} = ${JSON.stringify(value)};\n`,
    ]),
  );
  const host = ts.createCompilerHost(OPTIONS);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => sources.has(file) || fileExists(file);
  host.readFile = (file) => sources.get(file) ?? readFile(file);
  host.getSourceFile = (file, version, ...rest) => {
    const text = sources.get(file);
    return text === undefined ? getSourceFile(file, version, ...rest) : ts.createSourceFile(file, text, version);
  };
  const program = ts.createProgram([...sources.keys()], OPTIONS, host);
  return [...sources.keys()].map((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
    );
  });
};
