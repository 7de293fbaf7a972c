//! The page of presets has the numbers of the presets, and every method has a page.

use std::path::Path;

use selfsame::models::MethodName;
use selfsame::train::Preset;

/// Returns the row of `method` in the table under `heading`.
fn row<'a>(page: &'a str, heading: &str, method: MethodName) -> &'a str {
    let (_, table) = page.split_once(&format!("\n## {heading}\n")).expect(heading);
    let start = format!("| `{method}` |");
    table.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no {start}"))
}

#[test]
fn the_page_of_presets_has_a_row_for_each_with_its_numbers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/presets.md");
    let page = std::fs::read_to_string(path).expect("the page of presets");
    for &method in MethodName::ALL {
        let presets = [Preset::cifar10(method), Preset::imagenet(method)];
        for (heading, preset) in ["CIFAR-10", "ImageNet"].into_iter().zip(presets) {
            let row = row(&page, heading, method);
            for want in [
                format!("| {} | `{}` |", preset.backbone.name().unwrap_or("?"), preset.recipe.name),
                format!("| {} @ {} |", preset.rate, preset.batch_size),
                format!("| {} of {} |", preset.warmup_epochs, preset.epochs),
                format!("| {} |", preset.last_rate),
            ] {
                assert!(row.contains(&want), "{heading}: {want} is not in\n{row}");
            }
            let ours = preset.source.starts_with("ours");
            assert!(!ours || row.contains("**ours**"), "{heading}: not marked as ours\n{row}");
        }
    }
}

#[test]
fn every_method_has_a_page_and_a_row_in_the_table_of_methods() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/methods");
    let table = std::fs::read_to_string(folder.join("README.md")).expect("the table of methods");
    for method in MethodName::ALL {
        let page = format!("{}.md", method.key().replace('_', "-"));
        assert!(folder.join(&page).exists(), "{method} has no page");
        assert!(table.contains(&format!("| [{}]({page}) |", method.title())), "{method}");
    }
}
