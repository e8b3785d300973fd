import test from 'ava';
import { codeOf } from './scan.js';
import { functionsOf } from './sizes.js';

test('comments, strings and regular expressions are blanked, offsets stay', (t) => {
  const text = ["const a = 'x // y'; // any", '/* b', 'c */ d(/[/"]\\//g, "e\\"f");'].join('\n');
  const code = codeOf(text);
  t.is(code.length, text.length);
  t.is(code, ["const a = '      ';       ", '    ', '     d(/      /g, "    ");'].join('\n'));
});

test('a template is text, but what stands in its braces is code', (t) => {
  t.is(codeOf('`a ${b({ c: `d ${e} f` })} g` + h'), '`   {b({ c: `   {e}  ` })}  ` + h');
});

test('a slash after a value divides', (t) => {
  t.is(codeOf("a / b / 'c'; (d) / 2 / e"), "a / b / ' '; (d) / 2 / e");
  t.is(codeOf('return /"/.test(x)'), 'return / /.test(x)');
});

const bodies: Readonly<Record<string, number>> = {
  'function f(a: { b: 1 }) {\n}': 1,
  'const f = async <T>(a: T): Promise<{ b: T }> => {\n}': 1,
  'class A extends B { c(): { d: 1 } {\n}\n get e() {\n} }': 2,
  'function f(): void {\n}\nclass A {\n}\ninterface B {\n c(): void;\n}': 1,
  'if (a) { b(); } else { for (const c of d) { while (e) { switch (f()) { case g(): { } } } } }': 0,
  'try { a(); } catch (b) { c(); } finally { d(); }': 0,
  'const a = { b: { c: d(e) }, f() { }, g: () => { } };': 2,
  'const a = `b ${c()} d`;': 0,
  'const a = b ? c() : { d };': 0,
};

for (const [text, count] of Object.entries(bodies)) {
  test(`${count} functions in ${JSON.stringify(text)}`, (t) => {
    t.is(functionsOf(text).length, count);
  });
}
