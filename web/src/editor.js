// The editors: YAML with completion, underlined diagnostics and quick fixes.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, isolateHistory } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics, forEachDiagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { el, prose } from "./dom.js";
import { change } from "./patch.js";

const nonce = document.querySelector('meta[name="raygate-nonce"]').content;

/** Applies the first quick fix of the diagnostics at the cursor. */
function applyFix(view) {
  const { from, to } = view.state.doc.lineAt(view.state.selection.main.head);
  let chosen = null;
  forEachDiagnostic(view.state, (diagnostic, start, end) => {
    if (!chosen && diagnostic.actions?.length && start <= to && end >= from) chosen = { diagnostic, start, end };
  });
  if (!chosen) return false;
  chosen.diagnostic.actions[0].apply(view, chosen.start, chosen.end);
  return true;
}

function describing(language) {
  return hoverTooltip((view, position) => {
    const found = language.describe(view.state.doc, position);
    if (!found) return null;
    const dom = el("div", { class: "about" }, el("strong", {}, found.name), ` ${found.type}`, el("div", {}, prose(found.text)));
    return { pos: found.from, above: true, create: () => ({ dom }) };
  });
}

/** An editor in `parent` with a name for assistive technology; `changed` is told of every edit of the user. */
export function editor(parent, { label, language, changed }) {
  const extensions = [
    EditorView.cspNonce.of(nonce),
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    history(),
    foldGutter(),
    drawSelection(),
    indentOnInput(),
    indentUnit.of("  "),
    syntaxHighlighting(classHighlighter),
    bracketMatching(),
    closeBrackets(),
    autocompletion({ override: language ? [language.complete] : [], icons: false }),
    highlightActiveLine(),
    highlightSelectionMatches(),
    search({ top: true }),
    lintGutter(),
    yaml(),
    keymap.of([
      { key: "Mod-.", run: applyFix },
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...lintKeymap,
    ]),
    EditorView.contentAttributes.of({ "aria-label": label }),
    EditorView.updateListener.of((update) => update.docChanged && changed()),
    ...(language ? [describing(language)] : []),
  ];
  const fresh = (doc) => EditorState.create({ doc, extensions });
  const view = new EditorView({ state: fresh(""), parent });
  return {
    view,
    states: { fresh },
    get text() {
      return view.state.doc.toString();
    },
    /** Another text, with a history of its own. */
    load(text) {
      view.setState(fresh(text));
    },
    /** An edit that the user can undo in one step. */
    edit(text) {
      view.dispatch({
        changes: change(view.state.doc.toString(), text),
        annotations: isolateHistory.of("full"),
        scrollIntoView: true,
      });
    },
    /** Underlines diagnostics of the server. */
    show(diagnostics) {
      view.dispatch(setDiagnostics(view.state, diagnostics.map((one) => placed(view.state.doc, one))));
    },
    /** Puts the cursor at a place. */
    jump(line, column = 1) {
      const anchor = offset(view.state.doc, line, column);
      view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      view.focus();
    },
  };
}

/** The offset of a line and a column in characters, both from 1. */
function offset(doc, number, column) {
  const line = doc.line(Math.min(Math.max(1, number), doc.lines));
  let units = 0;
  let characters = 1;
  for (const character of line.text) {
    if (characters >= column) break;
    units += character.length;
    characters += 1;
  }
  return line.from + units;
}

function placed(doc, one) {
  const from = offset(doc, one.line ?? 1, one.column ?? 1);
  // What spans lines is underlined on its first.
  const end = one.end_line > one.line ? doc.lineAt(from).to : offset(doc, one.end_line ?? 1, one.end_column ?? 1);
  const to = Math.max(end, Math.min(from + 1, doc.length));
  return { from, to, severity: one.severity, source: one.code, message: one.text, actions: one.actions ?? [] };
}
