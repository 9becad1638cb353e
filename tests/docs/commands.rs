//! The page of the command line, from clap's own description of it.

use clap::{Arg, Command};

use raygate::cli;

/// What holds for all commands, before the first.
const TOP: &str = "\
# The commands

`raygate COMMAND --help` prints the same. A flag that names an environment variable takes its value from there where it
is not given. Colours are for terminals only; `NO_COLOR=1` turns them off, `CLICOLOR_FORCE=1` on. A closed pipe
(`raygate check jobs | head`) ends a command without a message, with 141.

Completions: `source <(raygate completions bash)`, or `raygate completions zsh > \"${fpath[1]}/_raygate\"`,
`raygate completions fish > ~/.config/fish/completions/raygate.fish`.

";

/// The whole page.
pub fn page() -> String {
    let mut command = cli::command();
    command.build();
    let mut page = TOP.to_owned();
    page.push_str("| command | does |\n|---|---|\n");
    let commands: Vec<&Command> = command
        .get_subcommands()
        .filter(|command| command.get_name() != "help" && !command.is_hide_set())
        .collect();
    for command in &commands {
        let name = command.get_name();
        page.push_str(&format!("| [`{name}`](#raygate-{name}) | {} |\n", about(command)));
    }
    page.push_str("\n## Exit codes\n\n| code | means |\n|---|---|\n");
    for (code, meaning) in cli::EXIT_CODES {
        page.push_str(&format!("| {code} | {meaning} |\n"));
    }
    for command in commands {
        section(command, &mut page);
    }
    page
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn section(command: &Command, page: &mut String) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    page.push_str(&format!(
        "\n## raygate {}\n\n{}.\n\n```\n{usage}\n```\n",
        command.get_name(),
        about(command)
    ));
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && argument.get_id() != "help")
        .collect();
    if arguments.is_empty() {
        return;
    }
    page.push_str("\n| argument | meaning | default | environment |\n|---|---|---|---|\n");
    for argument in arguments {
        page.push_str(&row(argument));
    }
}

fn row(argument: &Arg) -> String {
    let takes_value = argument.get_action().takes_values();
    let values: Vec<String> = argument
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(|name| name.to_string())
        .collect();
    let values = values.join(" ");
    let name = match argument.get_long() {
        Some(long) if argument.is_require_equals_set() => format!("`--{long}[=<{values}>]`"),
        Some(long) if takes_value => format!("`--{long} <{values}>`"),
        Some(long) => format!("`--{long}`"),
        None => format!("`[{values}]`"),
    };
    let mut meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
    if takes_value {
        let possible: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| match value.get_help() {
                Some(help) => format!("`{}`: {help}", value.get_name()),
                None => format!("`{}`", value.get_name()),
            })
            .collect();
        if !possible.is_empty() {
            meaning.push_str(&format!("<br>{}", possible.join("<br>")));
        }
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .filter(|_| takes_value)
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let env = argument
        .get_env()
        .map(|name| format!("`{}`", name.to_string_lossy()))
        .unwrap_or_default();
    format!(
        "| {name} | {} | {} | {env} |\n",
        meaning.replace('|', "\\|"),
        defaults.join(", ")
    )
}
