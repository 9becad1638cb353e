// Questions to the server that this page came from.

const token = document.querySelector('meta[name="raygate-token"]').content;

/** Asks the server; throws an error with a sentence for people. */
export async function ask(question, input, signal) {
  let response;
  try {
    response = await fetch(`/api/${question}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-raygate-token": token },
      body: JSON.stringify(input),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("raygate does not answer. Run raygate play again, then reload this page. The link keeps your work.");
  }
  if (response.ok) return response.json();
  if (response.status === 403) throw new Error("raygate was started again. Reload this page; the link keeps your work.");
  if (response.status === 413) throw new Error("The texts are too large: at most 16 MB in all.");
  const body = await response.text();
  let why = body.trim();
  try {
    why = JSON.parse(body).error;
  } catch {
    // The answer is plain text.
  }
  throw new Error(why || `the server answered ${response.status}`);
}
