//! What every page of this crate is put together from: one frame, styles, data and scripts, without
//! anything that a browser would have to fetch.

/// The frame. Each of [`MARKS`] stands in it once, in that order.
const FRAME: &str = include_str!("../../assets/report/page.html");

/// Where in the frame the title, the styles, the words for readers without scripts, the data and
/// the scripts go.
const MARKS: [&str; 5] = ["{{title}}", "{{styles}}", "{{plain}}", "{{data}}", "{{scripts}}"];

/// The charting library's styles, which come before all others.
const LIBRARY_STYLE: &str = include_str!("../../assets/uplot/uPlot.min.css");

/// The charting library, which is a script of its own.
const LIBRARY: &str = include_str!("../../assets/uplot/uPlot.iife.min.js");

/// Its licence, which goes with every copy: each page is one.
const LICENCE: &str = include_str!("../../assets/uplot/LICENSE");

/// What goes into the frame.
pub(crate) struct Page<'a> {
    /// Text without marks of HTML.
    pub(crate) title: &'a str,
    /// In the order in which they cascade.
    pub(crate) styles: &'a [&'a str],
    /// What stands there for readers without scripts. It is HTML.
    pub(crate) plain: &'a str,
    /// The data as JSON.
    pub(crate) json: &'a str,
    /// In the order in which they need each other. They share one scope.
    pub(crate) scripts: &'a [&'a str],
}

impl Page<'_> {
    /// The whole page.
    pub(crate) fn html(&self) -> String {
        // In JSON `<` stands in strings only, where it may as well be escaped: then no text of a
        // node can end the script block.
        let json = self.json.replace('<', "\\u003c");
        let styles = format!("{LIBRARY_STYLE}\n{}", self.styles.join("\n"));
        let scripts = format!(
            "<script>\n/*\n{LICENCE}\n*/\n{LIBRARY}\n</script>\n\
             <script>\n(() => {{\n\"use strict\";\n{}\n}})();\n</script>",
            self.scripts.join("\n")
        );
        let parts = [self.title, &styles, self.plain, &json, &scripts];
        let mut page = String::with_capacity(json.len() + (1 << 18));
        let mut rest = FRAME;
        for (mark, part) in MARKS.into_iter().zip(parts) {
            // Only the frame is searched for marks, never what was put into it.
            if let Some((before, after)) = rest.split_once(mark) {
                page.push_str(before);
                page.push_str(part);
                rest = after;
            }
        }
        page.push_str(rest);
        page
    }
}

/// What no asset of a page may have: an end of the element that it stands in, HTML made of text, or
/// something to be fetched.
#[cfg(test)]
pub(crate) fn expect_harmless(styles: &[&str], scripts: &[&str]) {
    for script in scripts {
        assert!(!script.contains("</script"));
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.contains(sink), "{sink}");
        }
    }
    assert!(styles.iter().all(|style| !style.contains("</style") && !style.contains("url(")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_has_each_mark_once_and_in_order() {
        let places: Vec<_> = MARKS.iter().map(|mark| FRAME.find(mark).expect(mark)).collect();
        assert!(places.is_sorted());
        assert!(MARKS.iter().all(|mark| FRAME.matches(mark).count() == 1));
    }

    #[test]
    fn the_readme_names_the_version_of_the_library() {
        let readme = include_str!("../../assets/README.md");
        let (_, rest) = readme.split_once("| version | ").expect("the table has the version");
        let (version, _) = rest.split_once(' ').expect("a cell ends");
        assert!(LIBRARY.contains(&format!("(v{version})")), "{version}");
    }

    #[test]
    fn the_library_does_not_end_its_element() {
        assert!(!LICENCE.contains("*/"));
        assert!(!LIBRARY.contains("</script") && !LICENCE.contains("</script"));
        expect_harmless(&[LIBRARY_STYLE], &[]);
    }
}
