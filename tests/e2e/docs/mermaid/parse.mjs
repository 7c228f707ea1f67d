// Parses diagrams: reads a JSON list of texts, writes a JSON list with an error for each, or null.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The packages lie in the folder that the caller names, not beside this file.
const from = createRequire(`${process.argv[2]}/package.json`);
const { JSDOM } = from("jsdom");

// Mermaid cleans labels with the help of a document, so there must be one before it is loaded.
globalThis.window = new JSDOM("<!DOCTYPE html><body></body>").window;
globalThis.document = globalThis.window.document;
const { default: mermaid } = await import(
  pathToFileURL(`${process.argv[2]}/node_modules/mermaid/dist/mermaid.core.mjs`)
);

const errors = [];
for (const text of JSON.parse(readFileSync(0, "utf-8"))) {
  try {
    await mermaid.parse(text);
    errors.push(null);
  } catch (error) {
    errors.push(error.message);
  }
}
console.log(JSON.stringify(errors));
