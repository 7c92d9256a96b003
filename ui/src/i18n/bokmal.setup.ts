// Tests that look at words look at those of bokmål, whatever language the test's browser says it has.
localStorage.setItem('varde.language', 'nb')
