//! Text for a page: escaped, `code` in backticks, numbers kept together with their unit. Layer row 6.
//!
//! The only two types whose HTML the page takes as it is: [`Rich`] escapes all it is given, [`Svg`] holds what
//! `super::chart` drew. Refuses to let any other markup through.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;

/// Text from anywhere, escaped when shown. Text between backticks is shown as code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rich(String);

impl Rich {
    /// Wraps plain text.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Text shown as code.
    pub(super) fn code(text: &str) -> Self {
        Self(format!("`{}`", text.replace('`', "'")))
    }

    /// The text before escaping.
    pub(super) fn plain(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Rich {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.replace(" %", "\u{a0}%").replace(" = ", "\u{a0}=\u{a0}");
        let paired = text.matches('`').count().is_multiple_of(2);
        for (index, part) in text.split('`').enumerate() {
            let code = paired && index % 2 == 1;
            if index > 0 && !paired {
                f.write_char('`')?;
            }
            if code {
                f.write_str("<code>")?;
            }
            write_escaped(f, part)?;
            if code {
                f.write_str("</code>")?;
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Rich {}

/// A finished drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Svg(pub(super) String);

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Svg {}

/// Escapes text for element content and for quoted attributes, in HTML and in SVG.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    write_escaped(&mut out, text).expect("writing to a string cannot fail");
    out
}

fn write_escaped(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    for c in text.chars() {
        match c {
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '&' => out.write_str("&amp;")?,
            '"' => out.write_str("&quot;")?,
            '\'' => out.write_str("&#39;")?,
            other => out.write_char(other)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_backticks_become_code() {
        let text = Rich::new("`a<b` & 3 % of \"x\"");
        assert_eq!(text.to_string(), "<code>a&lt;b</code> &amp; 3\u{a0}% of &quot;x&quot;");
        assert_eq!(Rich::new("one ` only").to_string(), "one ` only");
        assert_eq!(Rich::code("a`<i>").to_string(), "<code>a&#39;&lt;i&gt;</code>");
    }
}
