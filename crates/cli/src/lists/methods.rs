//! `selfsame methods`: the methods, or one with its settings.

use std::ops::RangeInclusive;

use clap::Args;
use selfsame::models::{MethodConfig, MethodName};
use serde::Serialize;
use serde_json::{Value, json};

use super::print;
use crate::named::method;
use crate::terminal::Terminal;

#[derive(Debug, Args)]
pub(crate) struct Methods {
    /// Method to show with its settings, as TOML for --config [default: a list of all]
    #[arg(value_name = "NAME", value_parser = method)]
    name: Option<MethodName>,
}

impl Methods {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct Settings {
            method: MethodConfig,
        }
        if let Some(name) = self.name {
            let settings = Settings { method: name.config() };
            if terminal.json {
                let mut about = about_method(name);
                about["settings"] = serde_json::to_value(settings.method)?;
                return terminal.json(&about);
            }
            let (title, about, paper) = (name.title(), name.about(), name.paper());
            let (views, settings) = (views_text(&name.views()), toml::to_string(&settings)?);
            return terminal.result(format_args!(
                "# {title}: {about}\n# {paper}\n# Views of an image: {views}; needs: {}\n\n{}",
                needs(name),
                settings.trim_end()
            ));
        }
        if terminal.json {
            let all: Vec<Value> = MethodName::ALL.iter().copied().map(about_method).collect();
            return terminal.json(&all);
        }
        let row = |name: &MethodName| {
            let (views, needs) = (views_text(&name.views()), needs(*name));
            [name.key(), name.title(), &views, &needs, name.about(), name.paper()]
                .map(str::to_owned)
        };
        let header = ["method", "title", "views", "needs", "about", "paper"].map(str::to_owned);
        print(terminal, header, MethodName::ALL.iter().map(row))
    }
}

fn about_method(name: MethodName) -> Value {
    let views = name.views();
    let most = Some(*views.end()).filter(|most| *most < usize::MAX);
    json!({
        "name": name.key(),
        "title": name.title(),
        "views": { "least": views.start(), "most": most },
        "needs": needs(name),
        "about": name.about(),
        "paper": name.paper(),
    })
}

fn views_text(views: &RangeInclusive<usize>) -> String {
    let least = views.start();
    if views.end() == least { least.to_string() } else { format!("{least} or more") }
}

/// Returns what a method needs besides views, in a word.
fn needs(name: MethodName) -> String {
    format!("{:?}", name.needs()).to_lowercase()
}
