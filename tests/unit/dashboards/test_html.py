from millstream_dashboards.monitor.html import badge, bar, empty, figure, signed, table, tone_of

ATTACK = '<img src=x onerror="alert(1)">'


def test_texts_of_others_are_escaped_everywhere():
    made = figure(ATTACK, ATTACK, ATTACK) + badge(ATTACK) + empty(ATTACK, ATTACK, ATTACK) + signed(ATTACK, 1)
    made += bar(0.5, ATTACK) + table(ATTACK, [ATTACK], [])
    assert "<img" not in made


def test_tone_follows_the_sign():
    assert [tone_of(value) for value in (1, -1, 0, None)] == ["good", "bad", "", ""]


def test_a_bar_never_leaves_its_frame_and_warns_near_the_limit():
    assert "width:100.0%" in bar(1.7, "full")
    assert 'class="bad"' in bar(0.95, "nearly")
    assert 'class="warn"' in bar(0.75, "much")
    assert 'class="good"' in bar(0.1, "little")
