import { Component, type ComponentChild, type FunctionComponent } from 'preact'

/** A component that is drawn again only when one of its properties is another value than before. */
export function memo<Props extends object>(Inner: FunctionComponent<Props>) {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const before: object = this.props
      return Object.entries(next).some(([name, value]) => Reflect.get(before, name) !== value)
    }

    override render(props: Props): ComponentChild {
      return <Inner {...props} />
    }
  }
}
